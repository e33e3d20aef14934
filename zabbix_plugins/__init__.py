"""Tillwatch: a Zabbix plugin suite for retail loyalty (see README.md and docs/)."""
