"""Reads a file of rows one by one, whatever the format, so that a file of any size takes the memory of a few rows.

The formats are documented, with examples that a test reads, in docs/import-formats.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from loyalty_engine.services import double_keys
from loyalty_engine.services.double_keys import DoubleKey
from loyalty_engine.services.imports import csv_files
from loyalty_engine.services.imports.doubles import whole_of
from loyalty_engine.services.imports.rows import Row
from rules.errors import Invalid, Problem

MAX_ROW_BYTES: Final = 262_144
_PARQUET_BLOCK: Final = 8_192


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of an NDJSON, CSV or parquet file; its name's ending says which it is.

    The rows of NDJSON are objects, nested as the API's are. Those of CSV and parquet are flat, and empty cells are left
    out. Raises Invalid for a file that can't be read at all.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise Invalid("unknown_format", f"{path.name}: the name of a file to import ends in {', '.join(_READERS)}.")
    if not path.is_file():
        raise Invalid("no_such_file", f"{path}: there is no such file.")
    return reader(path)


def read_columns(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of which only these columns are wanted: parquet has no need to read the others."""
    return _parquet(path, columns) if path.suffix.lower() == ".parquet" else read_rows(path)


def is_flat(path: Path) -> bool:
    """Tell whether the rows of the file are flat, so that a purchase takes a row for each of its lines."""
    return path.suffix.lower() in {".csv", ".parquet"}


def count_rows(path: Path) -> int:
    """Return about how many rows `read_rows` yields, for a progress bar.

    Raises Invalid for a CSV or parquet file that can't be read to its end, before anything of it is brought in.
    """
    if path.suffix.lower() == ".parquet":
        return int(_parquet_file(path).metadata.num_rows)
    if path.suffix.lower() == ".csv":
        return csv_files.count(path)
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _ndjson(path: Path) -> Iterator[Row]:
    decode = msgspec.json.Decoder(float_hook=str).decode
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_ROW_BYTES + 1):
            number += 1
            if len(line) > MAX_ROW_BYTES:
                yield Row(number, {}, Problem("", f"longer than {MAX_ROW_BYTES} bytes"))
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_ROW_BYTES)
            elif line.strip():
                yield _ndjson_row(number, line, decode)


def _ndjson_row(number: int, line: bytes, decode: Callable[[bytes], Any]) -> Row:
    try:
        values = decode(line)
        double_keys.check(line, values)
    except DoubleKey as double:
        return Row(number, {"text": line.decode()}, Problem("", str(double)))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Row(number, {"text": line.decode(errors="replace")}, Problem("", f"not JSON: {error}"))
    except RecursionError:
        return Row(number, {}, Problem("", "nested too deeply"))
    if not isinstance(values, dict):
        return Row(number, {"text": line.decode(errors="replace")}, Problem("", "not a JSON object"))
    return Row(number, values)


def _parquet(path: Path, columns: Sequence[str] = ()) -> Iterator[Row]:
    number = 0
    file = _parquet_file(path)
    wanted = [name for name in file.schema_arrow.names if name in columns] if columns else None
    for block in file.iter_batches(batch_size=_PARQUET_BLOCK, columns=wanted):
        for values in block.to_pylist():
            number += 1
            plain = {name: _plain(value) for name, value in values.items()}
            yield Row(number, {name: value for name, value in plain.items() if value is not None})


def _parquet_file(path: Path) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as missing:
        remedy = "install it with: pip install 'loyalty-engine[parquet]'"
        raise Invalid("parquet_missing", f"Reading parquet needs pyarrow; {remedy}") from missing
    try:
        return pq.ParquetFile(path)
    except pa.ArrowException as error:
        raise Invalid("not_parquet", f"{path.name}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return whole_of(value)
    return str(value) if isinstance(value, Decimal) else value


_READERS: Final[Mapping[str, Callable[[Path], Iterator[Row]]]] = {
    ".ndjson": _ndjson,
    ".jsonl": _ndjson,
    ".csv": csv_files.read,
    ".parquet": _parquet,
}
