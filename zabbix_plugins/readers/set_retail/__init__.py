"""Reader of Set Retail 10's text log, `root.log` (docs/journals.md lists its shapes, attested and assumed)."""

from zabbix_plugins.readers.set_retail.reader import SetRetailReader, fits_set_retail

__all__ = ["SetRetailReader", "fits_set_retail"]
