"""`tillwatch export`: everything that Zabbix itself needs, as files, for admins who install by hand."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from zabbix_plugins.errors import Temporary
from zabbix_plugins.provision.builder import generated_templates


def copy_scripts(source: Traversable, folder: Path) -> list[Path]:
    """Copy the executable scripts of a package folder to `folder`, mode 0755; returns what was written."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for script in source.iterdir():
            if script.is_file() and not script.name.endswith((".py", ".pyc")):
                target = folder / script.name
                target.write_bytes(script.read_bytes())
                target.chmod(0o755)
                written.append(target)
    except OSError as error:
        raise Temporary(f"cannot write: {error.strerror}", where=str(folder), remedy="check the folder") from error
    return written


def export_scripts(external: Path, alert: Path) -> list[Path]:
    """Copy external scripts and alert scripts to the folders that zabbix_server's settings name."""
    return [
        *copy_scripts(files("zabbix_plugins") / "externalscripts", external),
        *copy_scripts(files("alert_scripts") / "scripts", alert),
    ]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export(folder: Path) -> None:
    """Write templates, external scripts and alert scripts to FOLDER, to install them by hand.

    templates/6.0 and templates/7.0 hold what to import; externalscripts/ and alertscripts/ go to the folders
    that ExternalScripts and AlertScriptsPath of zabbix_server.conf name. docs/zabbix.md says the rest.
    """
    written = export_scripts(folder / "externalscripts", folder / "alertscripts")
    for (flavour, name), text in generated_templates().items():
        target = folder / "templates" / flavour / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    for path in written:
        click.echo(path)
