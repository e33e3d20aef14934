"""Executables that Zabbix calls as external checks; Zabbix runs copies of them."""
