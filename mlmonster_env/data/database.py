"""The server's YAML databases: header, body, and the files that a footer imports, in the server's order."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlmonster_env.data.enums import PRE_RENEWAL, RENEWAL
from mlmonster_env.data.errors import DataError
from mlmonster_env.data.fields import Entry, Report
from mlmonster_env.data.files import ServerFiles
from mlmonster_env.data.yaml_tree import YamlMap, parse_yaml

IMPORT_MODES = {"Renewal": RENEWAL, "Prerenewal": PRE_RENEWAL}


MOST_NESTED = 50  # imports


@dataclass(frozen=True, slots=True)
class Format:
    """What a database's header says: its kind, and a version up to the newest that this reader knows."""

    kind: str
    newest: int


class Database:
    """One database of a server, such as mob_db; iterate for its entries, earlier files first.

    A file that cannot be used is fatal if it is the server's own; what the import folder adds goes to `report`.
    """

    def __init__(self, files: ServerFiles, report: Report, mode: str, name: str, format: Format) -> None:
        self._files = files
        self._report = report
        self._mode = mode
        self._main = f"db/{name}"
        self._format = format
        self._seen: set[str] = set()

    def __iter__(self) -> Iterator[Entry]:
        entries: list[Entry] = []
        self._collect(self._main, entries, [])
        return iter(entries)

    def _collect(self, file: str, entries: list[Entry], asked_by: list[Entry]) -> None:
        """Add the entries of a file and of those that it imports; `asked_by` are the rows that led here, one by one."""
        if file in self._seen:
            self._report.wrong(asked_by[-1].wrong("Path", "every file imported once"))
            return
        if len(asked_by) > MOST_NESTED:
            self._report.wrong(asked_by[-1].wrong("Path", f"at most {MOST_NESTED} imports one inside the other"))
            return
        self._seen.add(file)
        try:
            root = self._open(file, asked_by)
        except DataError as error:
            if all(map(self._is_own, [*(row.file for row in asked_by), file])):
                raise
            self._report.wrong(error)
            return
        if root is None:
            return
        if self._clears(root):
            entries.clear()
        body = root.fields.get("Body")
        if isinstance(body, list):
            for index, node in enumerate(body):
                if isinstance(node, YamlMap):
                    entries.append(Entry(file, f"line {node.line}", node))
                else:
                    self._report.wrong(DataError(file, f"Body[{index}]", "an entry", node, "a mapping of fields"))
        elif body is not None:
            self._report.wrong(root.wrong("Body", "a list of entries"))
        for row, name in self._imports(root):
            self._collect(name, entries, [*asked_by, row])

    def _is_own(self, file: str) -> bool:
        own = file == self._main or file.startswith(("db/re/", "db/pre-re/"))
        return own and not file.startswith("db/import/")

    def _open(self, file: str, asked_by: list[Entry]) -> Entry | None:
        content = self._files.read(file)
        if content is None:
            if file == f"db/import/{self._main.rpartition('/')[2]}":
                return None  # a server without additions of its own is complete
            why = f", which {asked_by[-1].file}, {asked_by[-1].name}, imports" if asked_by else ""
            content = self._files.require(file, why)
        root = parse_yaml(content, file)
        if not isinstance(root, YamlMap):
            raise DataError(file, "", "the file", root, "a mapping with Header and Body")
        top = Entry(file, "", root)
        top.allow(("Header", "Body", "Footer"))
        header = top.inner("Header")
        if header is None:
            raise DataError(file, "", "Header", "missing", f"Header with Type {self._format.kind} and Version")
        header.allow(("Type", "Version", "Clear"))
        if header.text("Type") != self._format.kind:
            raise header.wrong("Type", self._format.kind)
        if header.integer("Version", 1, self._format.newest) is None:
            raise header.wrong("Version", f"a whole number from 1 to {self._format.newest}")
        header.flag("Clear")
        return top

    def _clears(self, root: Entry) -> bool:
        header = root.inner("Header")
        return header is not None and bool(header.flag("Clear"))

    def _imports(self, root: Entry) -> list[tuple[Entry, str]]:
        names = []
        try:
            footer = root.inner("Footer")
            if footer is None:
                return []
            footer.allow(("Imports",))
            rows = footer.rows("Imports")
            if rows is None and footer.fields.get("Imports") is not None:
                raise footer.wrong("Imports", "a list of files")
            for row in rows or []:
                row.allow(("Path", "Mode", "Generator"))
                name = row.text("Path")
                if name is None:
                    raise row.wrong("Path", "the name of a file to import")
                if row.choice("Mode", IMPORT_MODES) in (None, self._mode) and not row.flag("Generator"):
                    names.append((row, name))
        except DataError as error:
            self._report.wrong(error)
            return []
        return names
