"""Sources of records: a log's folder, a file of lines (compressed or not), or Parquet."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

from ..audit.chain import DamagedRecordError, opened
from ..audit.read import LogReadError, log_files, log_lines, records
from ..domain import strict_json
from ..domain.files import writer
from ..domain.limits import limit
from ..domain.strict_json import Json
from .questions import question

Counted = tuple[bytes, int]
"""A record's line, and how often the same was asked: more than once only in what `distinct` made."""
_EXTRA = 'Parquet and SQL need a package more: `pip install "policy-lang[query]"`'
_ROWS = 1000
_LONGEST = limit("log_record_bytes") * 2


def is_parquet(path: str) -> bool:
    """True for a Parquet file, by its name."""
    return path.endswith(".parquet")


def lines(path: str) -> Iterator[Counted]:
    """The decisions of a log as they are written, to be read by whoever needs them. Raises LogReadError."""
    if is_parquet(path):
        yield from _parquet(path)
        return
    for file in log_files(path):
        for line in log_lines(file):
            if line.data.find(b'"kind":"decision"', 0, 120) >= 0:
                yield line.data, 1


def record_of(data: bytes) -> Json:
    """The record of a line. Raises LogReadError when it is none."""
    try:
        return opened(data)
    except DamagedRecordError as error:
        raise LogReadError(f"a record is damaged: {error}; see `policy log verify`") from None


def size(path: str) -> int:
    """About how many bytes `lines` will give, for telling how far one is. 0 when nobody knows."""
    if is_parquet(path):
        return 0
    files = log_files(path)
    return 0 if any(f.endswith(".gz") for f in files) else sum(os.path.getsize(f) for f in files)


def every_record(path: str) -> Iterator[Json]:
    """All records, read. Raises LogReadError for a line that is none; an unfinished last line is left out."""
    if is_parquet(path):
        for data, times in _parquet(path):
            record = record_of(data)
            yield record if times == 1 else {**record, "times": times}
        return
    yield from records(path)


def duckdb() -> Any:
    """DuckDB. Raises LogReadError when it is not installed."""
    try:
        return importlib.import_module("duckdb")
    except ImportError:
        raise LogReadError(_EXTRA) from None


def _parquet(path: str) -> Iterator[Counted]:
    if not os.path.isfile(path):
        raise LogReadError(f"there is no log `{path}`")
    database = duckdb()
    with database.connect() as connection:
        try:
            cursor = connection.execute("select record, times from read_parquet(?)", [path])
            while rows := cursor.fetchmany(_ROWS):
                for record, times in rows:
                    yield str(record).encode("ascii"), int(times)
        except (database.Error, UnicodeEncodeError, ValueError, TypeError) as error:
            why = str(error).splitlines()[0][:200]
            raise LogReadError(f"`{path}` holds no records that were exported by `policy log export`: {why}") from None


_VIEW = """
select json->>'$.time' as time, cast(json->>'$.seq' as bigint) as seq, json->>'$.id' as id,
  json->>'$.request.agent' as agent, json->>'$.request.session' as session,
  json->>'$.request.origin.client' as client, json->>'$.request.action' as action,
  case when json_type(json, '$.request.resource') = 'ARRAY'
    then array_to_string(from_json(json->'$.request.resource', '["VARCHAR"]'), ' ')
    else json->>'$.request.resource' end as resource,
  json->>'$.effect' as effect, from_json(json->'$.tiers', '["VARCHAR"]') as tiers,
  list_transform(from_json(json->'$.rules', '["JSON"]'), lambda r: r->>'$.id') as rules,
  json->>'$.reasons[0]' as reason, cast(json->>'$.micros' as bigint) as micros, json->>'$.policy' as policy,
  json->>'$.would.effect' as would,
  {times} as times, json as record
from {source} where json->>'$.kind' = 'decision'
"""


def database(path: str) -> Any:
    """A DuckDB connection with the view `decisions`. It reads that log and nothing else. Raises LogReadError."""
    module = duckdb()
    files = [path] if is_parquet(path) else log_files(path)
    if is_parquet(path) and not os.path.isfile(path):
        raise LogReadError(f"there is no log `{path}`")
    named = "[" + ", ".join("'" + os.path.abspath(f).replace("'", "''") + "'" for f in files) + "]"
    connection = module.connect()
    if is_parquet(path):
        source, times = f"(select cast(record as json) as json, times from read_parquet({named}))", "times"
    else:
        source, times = f"read_json_objects({named}, format='newline_delimited')", "1"
    connection.execute(f"create view decisions as {_VIEW.format(source=source, times=times)}")
    connection.execute(f"set allowed_paths = {named}")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def write_parquet(records: Iterable[Json], path: str, distinct: bool) -> int:
    """Write records as Parquet with the columns `record` and `times`; how many rows. Raises LogReadError.

    With `distinct` questions that differ only in when they were asked, and in which call, are one row.
    """
    module = duckdb()
    try:
        with tempfile.TemporaryDirectory(prefix="policy-") as folder:
            beside, made = os.path.join(folder, "rows"), os.path.join(folder, "parquet")
            with open(beside, "xb") as stream:
                for place, record in enumerate(records):
                    key = question(record) if distinct else place.to_bytes(8, "big")
                    stream.write(b"%s\t%d\t%s\n" % (key.hex().encode("ascii"), place, strict_json.dump(record)))
            with module.connect() as connection:
                name, rows = made.replace("'", "''"), beside.replace("'", "''")
                connection.execute(
                    f"create view rows as select * from read_csv('{rows}', delim='\t', quote='', escape='', "
                    f"header=false, max_line_size={_LONGEST}, "
                    f"columns={{'key': 'varchar', 'place': 'bigint', 'record': 'varchar'}})"
                )
                connection.execute(
                    "copy (select min_by(record, place) as record, count(*) as times, min(place) as place from rows "
                    f"group by key order by place) to '{name}' (format parquet, compression zstd)"
                )
                count = int(connection.execute("select count(*) from read_parquet(?)", [made]).fetchone()[0])
            with open(made, "rb") as whole, writer(path, mode=None, durable=False) as target:
                shutil.copyfileobj(whole, target)
            return count
    except (OSError, module.Error) as error:
        raise LogReadError(f"`{path}` cannot be written: {str(error).splitlines()[0][:200]}") from None
