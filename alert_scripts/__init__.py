"""From a Zabbix event to a mail that is sent once and arrives (design, decision 11).

`scripts/` holds what Zabbix runs: it only drops a file. `spool` reads those files, `message` says what is in them,
`outbox` remembers what is to be sent, `deliver` sends it, `smtp` speaks to the mail server, `render` writes the mail.
"""
