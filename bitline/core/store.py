"""Samples that cannot be lost: an append-only, checksummed journal.

HDF5 written in place does not survive `kill -9`; a journal does. Each finished sample becomes one frame, written and
synced before the next one starts: marker, length, CRC-32, payload. A frame cut short by a kill or a power cut is the
last thing in the file and is dropped at the next opening; damage anywhere else is an error. `run.h5` is built from
journals when a study is complete (bitline.core.samples).

Payload: length of a JSON header, the header (index, failure, and name, dtype and shape of every field), then the
fields' bytes in that order. Nothing in it is code, as a pickle would be.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from bitline.core.errors import StoreError
from bitline.core.executor import Executor, Failure, Outcome, Record, Result, Task

_MAGIC = b"bitline journal 1\n"
_FRAME = struct.Struct("<4sQI")  # marker, payload length, CRC-32 of the payload
_MARKER = b"SMPL"
_LENGTH = struct.Struct("<I")


class Store(Protocol):
    """Keeps outcomes by sample index; the first outcome of an index stays."""

    def append(self, index: int, outcome: Outcome) -> None:
        """Keep one outcome durably; an index that is there already is left as it is."""

    def done(self) -> set[int]:
        """The indices that have an outcome."""

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """All outcomes by rising index."""


class MemoryStore:
    """A store that lives as long as the process: for figures that nobody asked to keep."""

    def __init__(self) -> None:
        self._outcomes: dict[int, Outcome] = {}

    def append(self, index: int, outcome: Outcome) -> None:
        """See `Store.append`."""
        self._outcomes.setdefault(index, outcome)

    def done(self) -> set[int]:
        """See `Store.done`."""
        return set(self._outcomes)

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """See `Store.outcomes`."""
        return iter(sorted(self._outcomes.items()))


class Journal:
    """One stage's samples in one file, with one writer at a time.

    Args:
        path: the file; made if it is not there.
        key: the hash of everything the samples depend on (configuration, model, schema).

    Raises:
        StoreError: another process writes it, it belongs to another key, or it is damaged before its end.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # held open: the lock lives as long as the journal; unbuffered: what a full disk refused is not tried again
        self._file = path.open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise StoreError(f"{path}: another process is running this study; wait for it or stop it") from None
        try:
            self._frames = self._recover(_MAGIC + key.encode() + b"\n")
        except BaseException:
            self._file.close()
            raise

    def append(self, index: int, outcome: Outcome) -> None:
        """Keep one outcome; on return it is on the disk.

        Raises:
            StoreError: it could not be written (disk full); what was there before is intact.
        """
        if index in self._frames:
            return
        payload = _encode(index, outcome)
        start = self._file.seek(0, os.SEEK_END)
        try:
            self._write(_FRAME.pack(_MARKER, len(payload), zlib.crc32(payload)) + payload)
        except OSError as error:
            self._file.truncate(start)
            raise StoreError(
                f"{self.path}: sample {index} could not be written: {error.strerror}; make room and start again"
            ) from error
        self._frames[index] = start

    def done(self) -> set[int]:
        """See `Store.done`."""
        return set(self._frames)

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """See `Store.outcomes`; read from the file one by one."""
        for index, start in sorted(self._frames.items()):
            payload = self._payload(start)
            if payload is None:
                raise StoreError(f"{self.path}: sample {index} changed on disk while the journal was open")
            yield _decode(payload)

    def close(self) -> None:
        """Let another process write."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        """Append all of it, to the disk."""
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        os.fsync(self._file.fileno())

    def _recover(self, header: bytes) -> dict[int, int]:
        """Check the header, index the frames, and drop what a kill left half-written at the end."""
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        found = self._file.read(len(header))
        if found != header:
            if not header.startswith(found):
                what = "belongs to another configuration" if found.startswith(_MAGIC) else "is not a bitline journal"
                raise StoreError(f"{self.path} {what}; move it away or remove it")
            self._file.truncate(0)  # empty, or killed within the header: nothing is lost
            self._write(header)
            return {}
        frames: dict[int, int] = {}
        position = len(header)
        while position < size:
            payload = self._payload(position)
            if payload is None:
                if self._torn(position, size):
                    self._file.truncate(position)
                    break
                raise StoreError(
                    f"{self.path}: damaged at byte {position} of {size}; restore it or remove it to start over"
                )
            frames.setdefault(_decode(payload)[0], position)
            position += _FRAME.size + len(payload)
        return frames

    def _payload(self, start: int) -> bytes | None:
        """The payload of the frame at `start`, or None if it is short or its checksum is wrong."""
        self._file.seek(start)
        head = self._file.read(_FRAME.size)
        if len(head) < _FRAME.size:
            return None
        marker, length, checksum = _FRAME.unpack(head)
        if marker != _MARKER or start + _FRAME.size + length > os.fstat(self._file.fileno()).st_size:
            return None
        payload = self._file.read(length)
        return payload if zlib.crc32(payload) == checksum else None

    def _torn(self, start: int, size: int) -> bool:
        """Whether a bad frame is the last one, cut short: it claims bytes up to or past the end of the file."""
        self._file.seek(start)
        head = self._file.read(_FRAME.size)
        if len(head) < _FRAME.size:
            return _MARKER.startswith(head[:4]) or head.strip(b"\0") == b""
        marker, length, _ = _FRAME.unpack(head)
        zeros = self._file.read().strip(b"\0") == b"" and head.strip(b"\0") == b""  # grown but not written
        return zeros or (marker == _MARKER and start + _FRAME.size + length >= size)


def complete(
    task: Task,
    count: int,
    store: Store,
    executor: Executor,
    progress: Callable[[int, Outcome], None] = lambda _index, _outcome: None,
) -> None:
    """Run those of samples 0 to count - 1 that the store lacks, and keep each as it finishes.

    Args:
        task: computes a sample from its index.
        count: how many samples the stage has.
        store: keeps them; only this process writes it.
        executor: where they run.
        progress: told each index and outcome after it is safe.
    """
    done = store.done()
    for index, outcome in executor.map(task, [index for index in range(count) if index not in done]):
        store.append(index, outcome)
        progress(index, outcome)


def _encode(index: int, outcome: Outcome) -> bytes:
    fields: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    failure = None
    if isinstance(outcome, Failure):
        failure = {"reason": outcome.reason, "log": list(outcome.log)}
    else:
        for name, value in outcome.record.items():
            if isinstance(value, str):
                fields.append({"name": name, "text": value})
                continue
            array = np.asarray(value)
            if array.dtype.hasobject:
                raise TypeError(f"field {name!r} of sample {index} is {type(value).__name__}, not numbers or text")
            array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
            fields.append({"name": name, "dtype": array.dtype.str, "shape": array.shape})
            blobs.append(array.tobytes())
    header = json.dumps({"index": index, "failure": failure, "fields": fields}).encode()
    return b"".join([_LENGTH.pack(len(header)), header, *blobs])


def _decode(payload: bytes) -> tuple[int, Outcome]:
    (length,) = _LENGTH.unpack_from(payload)
    position = _LENGTH.size + length
    header = json.loads(payload[_LENGTH.size : position])
    if header["failure"] is not None:
        return header["index"], Failure(header["failure"]["reason"], tuple(header["failure"]["log"]))
    record: Record = {}
    for field in header["fields"]:
        if "text" in field:
            record[field["name"]] = field["text"]
            continue
        dtype, shape = np.dtype(field["dtype"]), tuple(field["shape"])
        count = int(np.prod(shape, dtype=np.int64))
        record[field["name"]] = np.frombuffer(payload, dtype, count, position).reshape(shape)
        position += count * dtype.itemsize
    return header["index"], Result(record)
