"""Ways of transport from the register, each with its real program (docs/transport.md); rsync is in test_files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.sources.test_files import Reading, append
from zabbix_plugins.demo.packages import download_packages

pytestmark = pytest.mark.weather

RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
module(load="imptcp")
input(type="imptcp" port="{port}" address="127.0.0.1")
template(name="raw" type="string" string="%msg:2:$%\\n")
template(name="file" type="string" string="{folder}/here/1001/%hostname%/root.log")
*.* action(type="omfile" dynaFile="file" template="raw")
"""


def test_a_shared_folder_that_goes_and_comes_back(tmp_path: Path) -> None:
    """A real mount, as of NFS or SMB, that is taken away and given back while the register goes on writing."""
    store, share = tmp_path / "store", tmp_path / "here" / "1001"
    log = store / "3" / "root.log"
    log.parent.mkdir(parents=True)
    share.mkdir(parents=True)
    reading = Reading(tmp_path / "here")
    mounted = ["mount", "--bind", str(store), str(share)]
    subprocess.run(mounted, check=True)
    try:
        append(log, "a", "b")
        assert reading.settle() == [b"a", b"b"]
        subprocess.run(["umount", str(share)], check=True)
        append(log, "c")
        assert reading.settle() == []
        reading.restart()
        subprocess.run(mounted, check=True)
        append(log, "d")
        assert reading.settle() == [b"c", b"d"]
    finally:
        subprocess.run(["umount", str(share)], check=False, stderr=subprocess.DEVNULL)
    assert "lost" not in reading.notices


def test_rsyslog_writes_a_file_for_each_register_as_documented(tmp_path: Path) -> None:
    """A real rsyslogd takes messages by TCP and writes them raw; each line arrives once and unchanged."""
    root = tmp_path / "root"
    for package in download_packages(tmp_path / "apt", ["rsyslog"], lambda text: None):
        subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "rsyslog.conf"
    config.write_text(RSYSLOG.format(folder=tmp_path, port=port))
    libraries = root / "usr/lib/x86_64-linux-gnu"
    daemon = subprocess.Popen(
        [str(root / "usr/sbin/rsyslogd"), "-n", "-f", str(config), "-i", f"{config}.pid", f"-M{libraries}/rsyslog"],
        env={**os.environ, "LD_LIBRARY_PATH": str(libraries)},
    )
    reading = Reading(tmp_path / "here")
    texts = ["plain", "Иванова  «кавычки»", "tab\tand \\ backslash", "x" * 20_000]
    lines = [json.dumps({"event": "pos_error", "text": text}, ensure_ascii=False) for text in texts]
    read: list[bytes] = []
    try:
        until = time.monotonic() + 30
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port), timeout=5)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < until, "rsyslogd did not come up"
                time.sleep(0.1)
        with connection:
            for number in range(50):
                for line in lines:
                    message = f"<14>Nov 24 10:00:{number:02d} 3 tillwatch: {line}".encode()
                    connection.sendall(b"%d %s" % (len(message), message))  # octet counting, RFC 6587
                read += reading.look()
        while len(read) < 50 * len(lines):
            assert time.monotonic() < until, f"{len(read)} lines came"
            time.sleep(0.1)
            read += reading.look()
    finally:
        daemon.terminate()
        daemon.wait(timeout=30)
    assert read == [line.encode() for line in lines] * 50
