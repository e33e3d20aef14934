"""Zabbix's side: templates from the catalogue, and everything that is made on a server through its API."""
