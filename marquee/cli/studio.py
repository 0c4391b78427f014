"""The command line of `pipelines/studio.py`: what to read, and a summary of what a run did."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from marquee.bronze.choice import choose_destination
from marquee.bronze.destination import Destination
from marquee.cli.base import build_parser, execute, last_lines
from marquee.core.dlt_project import configure_dlt
from marquee.core.errors import explain
from marquee.core.settings import Settings
from marquee.core.text import counted
from marquee.sources.studio.feeds import Feed
from marquee.sources.studio.report import Report
from marquee.sources.studio.run import apply_all_erasures, encrypt_vault, forget_fan, load_studio
from marquee.sources.studio.settings import StudioSettings
from marquee.sources.studio.tables import QUARANTINE_STUDIO

FILES = "fan_interactions/*.jsonl, titles/*.json and box_office/*.csv"
UNREAD_LISTED = 10  # paths in the summary; a folder can have any number

EPILOG = """\
examples:
  python pipelines/studio.py                        what is new in the landing folder
  STUDIO_URL=s3://bucket/studio python pipelines/studio.py
  python pipelines/studio.py --dry-run              read and report, write nothing
  python pipelines/studio.py --forget F000000042    remove a fan, in every layer
  python pipelines/studio.py --sandbox              no files needed: an invented studio
  python pipelines/studio.py --sandbox --batch 2    its second day
  python pipelines/studio.py --sandbox --scale 100  3 million interactions

the landing folder has fan_interactions/*.jsonl, titles/*.json and box_office/*.csv, in subfolders
too; .ndjson is as good as .jsonl, and each file may be compressed (.gz)

environment:
  STUDIO_URL            the landing folder: a path or a URL (default: studio_feed in the project);
                        credentials of a bucket: sources.filesystem.credentials, see dlt's docs
  STUDIO_TOKEN_KEY      the key of the tokens that stand for personal data, or in
                        .dlt/secrets.toml
  STUDIO_VAULT_KEY      the key that the vault is encrypted with (default: made of the token key)
  STUDIO_OLD_VAULT_KEY  the key before it, for --encrypt-vault
  MARQUEE_DUCKDB        the warehouse file (default: warehouse.duckdb in the project)
  MARQUEE_VAULT_DUCKDB  who the tokens are (default: vault.duckdb beside the warehouse)
  MARQUEE_DLT_DIR       dlt's working folder (default: .dlt/work in the project)

another exit code:
  3 --forget: no such fan was ever known
"""
EXIT_UNKNOWN_FAN = 3


def run(argv: Sequence[str] | None, feeds: Sequence[Feed]) -> int:
    """Load the declared feeds; return the exit code (see `--help`)."""
    options = parse(argv)
    settings = Settings.from_environment()
    report = Report()
    code = 0

    def load(stack: ExitStack) -> str:
        nonlocal code
        configure_dlt(settings)
        destination = choose_destination(
            options.destination, settings.duckdb, read_only=options.dry_run
        )
        studio = choose_studio(options, stack)
        if options.forget or options.apply_erasures:
            # Imported only here: it needs pandas, and this is rare.
            from marquee.monitoring.snapshot import delete_snapshots

            # The dashboard copies the file at any time: what it has before and meanwhile goes.
            stack.callback(delete_snapshots, settings.duckdb)
            delete_snapshots(settings.duckdb)
            if options.apply_erasures:
                return erasure(apply_all_erasures(studio, destination, settings))
            changed = forget_fan(studio, destination, settings, options.forget)
            code = EXIT_UNKNOWN_FAN if changed is None else 0
            return erasure(changed)
        if options.encrypt_vault:
            is_changed = encrypt_vault(studio, destination, settings)
            return "The vault is encrypted." if is_changed else "The vault has this key already."
        load_studio(feeds, studio, destination, settings, report, dry_run=options.dry_run)
        place = "the sandbox" if options.sandbox else studio.place
        return summary(report, place, destination, dry_run=options.dry_run)

    failed = execute(
        load,
        report,
        options,
        explain_error=lambda error: explain(error, settings.duckdb, is_personal=True),
        is_personal=True,
    )
    return failed or code


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; leave with code 2 where it makes no sense."""
    parser = build_parser(
        "python pipelines/studio.py",
        "Read the studio's feeds and load them into bronze, personal data apart.",
        EPILOG,
    )
    parser.add_argument(
        "--forget",
        metavar="FAN_ID",
        help="remove this fan's personal data, and the way back to the fan, instead of loading",
    )
    parser.add_argument(
        "--apply-erasures",
        action="store_true",
        help="apply the vault's erasures to a warehouse that was restored, instead of loading",
    )
    parser.add_argument(
        "--encrypt-vault",
        action="store_true",
        help="encrypt a vault that is not, or that has STUDIO_OLD_VAULT_KEY, instead of loading",
    )
    sandbox = parser.add_argument_group("without files")
    sandbox.add_argument("--sandbox", action="store_true", help="load an invented studio's feeds")
    sandbox.add_argument(
        "--batch",
        type=int,
        choices=[1, 2, 3],
        default=1,
        help="half a year, the day after, or a release weekend (default: 1)",
    )
    sandbox.add_argument(
        "--scale", type=float, default=1, metavar="N", help="times so much (default: 1)"
    )
    options = parser.parse_args(argv)
    if not options.sandbox and (options.batch != 1 or options.scale != 1):
        parser.error("--batch and --scale belong to --sandbox")
    if not 0.01 <= options.scale <= 1000:
        parser.error("--scale must be between 0.01 and 1000")
    if options.forget is not None and (options.dry_run or not options.forget.strip()):
        parser.error("--forget takes the id of a fan, and no --dry-run")
    if (options.forget is not None) + options.apply_erasures + options.encrypt_vault > 1:
        parser.error("--forget, --apply-erasures and --encrypt-vault do one thing at a time")
    if (options.apply_erasures or options.encrypt_vault) and options.dry_run:
        parser.error("--apply-erasures and --encrypt-vault take no --dry-run")
    return options


def choose_studio(options: argparse.Namespace, stack: ExitStack) -> StudioSettings:
    """Pick what to read: files written here and now, or what is configured."""
    if not options.sandbox:
        return StudioSettings.from_configuration()
    # Imported only here: with files it is not needed.
    from marquee.sandbox.studio import TOKEN_KEY, write_batch

    os.environ["STUDIO_TOKEN_KEY"] = TOKEN_KEY
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="marquee-studio-")))
    if not (options.forget or options.apply_erasures or options.encrypt_vault):
        write_batch(options.batch, folder, options.scale)
    return replace(StudioSettings.from_configuration(), bucket_url=str(folder))


def erasure(changed: dict[str, int] | None) -> str:
    """Describe what `--forget` did; the fan is not named."""
    if changed is None:
        return "Nothing to forget: no such fan was ever known. Is the id right?"
    if not changed:
        return "Nothing to forget: no row is left of who was forgotten."
    return "\n".join(
        [
            "Forgotten. Rows removed or cut off, by table:",
            *(f"  {count:>9,}  {table}" for table, count in sorted(changed.items())),
            "Not touched: the feed's own files, backups and copies (docs/runbook.md).",
        ]
    )


def summary(report: Report, place: str, destination: Destination, *, dry_run: bool) -> str:
    """Describe what a finished run did, and the next step."""
    rows = ", ".join(f"{name} {count:,}" for name, count in report.landed.items() if count)
    lines = [
        f"{place} -> {destination.place}",
        "",
        *(
            f"  {feed:<17}{report.read[feed]:>9,} of {counted(count, 'file')} had new rows"
            for feed, count in report.listed.items()
        ),
        f"  people, new      {report.vaulted:>9,}",
        f"  guests expired   {report.expired:>9,}",
        f"  forgotten fans'  {report.forgotten:>9,} lines left out",
        f"  seconds          {report.seconds:>9,.1f}",
        f"  rows {'to land' if dry_run else 'landed'}: {rows or 'none'}",
        f"  batch: {report.batch_id}",
        "",
    ]
    if report.known:
        lines.insert(2, f"  landed before    {report.known:>9,} lines, by an interrupted run")
    if report.masked:
        several = ", ".join(f"{name} {count:,}" for name, count in report.masked.items())
        lines.insert(-1, f"  values masked    {report.masked.total():>9,}: {several}")
    if report.unread:
        lines += [f"Not read: {counted(len(report.unread), 'path')}:"]
        listed = sorted(report.unread.items())[:UNREAD_LISTED]
        lines += [f"  {path} ({reason})" for path, reason in listed]
        lines += ["  ..."] * (len(report.unread) > len(listed)) + [""]
    notes = []
    if not sum(report.listed.values()):
        notes.append(f"No files: {FILES} are read.")
    if report.landed[QUARANTINE_STUDIO.name]:
        notes.append(
            "Quarantined: SELECT source_file, source_line, reason FROM bronze.quarantine_studio"
        )
    return "\n".join([*lines, *last_lines(notes, dry_run=dry_run)])
