"""Zabbix templates: Jinja2 sources (*.j2) and what `make generated` makes of them (generated/6.0, generated/7.0).

Shipped as the package `tillwatch_templates`, so that an installed Tillwatch provisions without its source tree.
"""
