"""Files in files: what is packed is unpacked, changed and packed again with right lengths and checksums.

Otherwise nearly every change would end at the outermost checksum, and the parsers behind it would never be met. A
kind says what is in what: `gzip/tar/pickle`. Only whole files are opened here, never changed ones.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from random import Random

from mutations import damaged, mutated

Inner = Callable[[bytes], bytes]

SEALED = frozenset({"gzip", "bz2", "zip", "stored", "png"})
"""Kinds that hold checksums of all that matters in them: damage is refused, or changes nothing."""
TEXTS = frozenset({"csv", "json", "toml", "usps", "lines", "header"})
# What a format says often, as pieces to put in where nothing of it belongs.
WORDS: dict[str, tuple[bytes, ...]] = {
    "pickle": (
        *(
            b"(",
            b".",
            b"0",
            b"1",
            b"2",
            b"N",
            b"a",
            b"b",
            b"e",
            b"}",
            b"]",
            b")",
            b"d",
            b"l",
            b"s",
            b"t",
            b"u",
        ),
        *(
            b"R",
            b"\x81",
            b"\x92",
            b"\x93",
            b"\x94",
            b"\x95",
            b"\x96",
            b"\x97",
            b"\x98",
            b"\x85",
            b"\x86",
            b"\x87",
        ),
        *(b"\x8a\x08", b"\x8b\xff\xff\xff\x7f", b"\x8e", b"\x8d", b"B\xff\xff\xff\xff", b"X\xff\xff\xff\x7f"),
        *(
            b"cnumpy\nndarray\n",
            b"cnumpy\ndtype\n",
            b"cnumpy.core.multiarray\n_reconstruct\n",
            b"cos\nsystem\n",
            b"ctorch._utils\n_rebuild_tensor_v2\n",
            b"ctorch\nFloatStorage\n",
            b"ctorch.nn.parameter\nParameter\n",
            b"ccollections\nOrderedDict\n)R",
            b"Q",
        ),
        *(
            b"j\xff\xff\xff\x7f",
            b"h\x00",
            b"q\x00",
            b"g0\n",
            b"p0\n",
            b"I99999999999\n",
            b"Fnan\n",
            b"L-1L\n",
        ),
    ),
    "header": (
        *(b"'|O'", b"'<f8'", b"'>i8'", b"'<U9999999'", b"'|V0'", b"'<M8[ns]'", b"'|b1'", b"'<c16'", b"'|S0'"),
        *(b"(2, 3)", b"()", b"(0,)", b"(-1, 4)", b"(99999999999, 99999999999)", b"True", b"[('a', '<f8')]"),
    ),
    "json": (b'"sha256"', b'"shape"', b'"classes"', b"[[[[[[[[", b"{}", b"1e400", b"-1", b'"\\ud800"'),
    "csv": (b"label", b"id", b'""', b'"', b"filename", b"pixel0"),
    "usps": (b"1:1", b"257:0", b"0:0", b"-1:1", b"11", b":"),
}


def changed(content: bytes, kind: str, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Return a file of this kind with something in it changed, at some level of its packing."""
    outer, _, inner = kind.partition("/")
    if outer in _OPENED and random.random() < 0.65:

        def change(part: bytes) -> bytes:
            return changed(part, inner or "bytes", random)

        return _OPENED[outer](content, change, random)
    return mutated(content, random, [*others, *WORDS.get(outer, ())], text=outer in TEXTS)


def damaged_alone(content: bytes, stretches: Sequence[tuple[int, int]], random: Random) -> bytes:
    """Return a file damaged in one of some stretches, none of which grows or shrinks; without stretches, anywhere."""
    if not stretches:
        return damaged(content, random)
    start, end = random.choice(stretches)
    part = damaged(content[start:end], random)[: end - start]
    return content[:start] + part.ljust(end - start, b"\0") + content[end:]


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip that has the same bytes at any time of day."""
    return _zip_of(list(files.items()), method)


def _zip_of(members: list[tuple[str, bytes]], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return buffer.getvalue()


def _gzip(content: bytes, change: Inner, random: Random) -> bytes:
    plain = change(gzip.decompress(content))
    if random.random() < 0.1:  # in two members
        half = len(plain) // 2
        return gzip.compress(plain[:half], mtime=0) + gzip.compress(plain[half:], mtime=0)
    return gzip.compress(plain, random.choice((0, 6)), mtime=0)


def _bz2(content: bytes, change: Inner, _: Random) -> bytes:
    return bz2.compress(change(bz2.decompress(content)))


def _zip(content: bytes, change: Inner, random: Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    at = random.randrange(len(members))
    name, plain = members[at]
    drawn = random.random()
    if drawn < 0.85:
        members[at] = (name, change(plain))
    elif drawn < 0.9:
        members[at] = (
            mutated(name.encode(), random, text=True).decode("utf-8", "replace")[:500] or "x",
            plain,
        )
    elif drawn < 0.95:
        del members[at]
    else:
        members.append(("again" + name, plain))
    return _zip_of(members, random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def _stored(content: bytes, change: Inner, random: Random) -> bytes:
    """Change a member of a zip that packs nothing, as PyTorch writes it; mostly the pickle, which says what is what."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    pickles = [name for name in members if name.endswith("data.pkl")]
    name = random.choice(pickles if random.random() < 0.7 else list(members))
    members[name] = change(members[name])
    return zipped(members, zipfile.ZIP_STORED)


def _tar(content: bytes, change: Inner, random: Random) -> bytes:
    """Change a header and put its checksum right, or a member's content and put its size right."""
    blocks = bytearray(content)
    headers = []
    at = 0
    while at + 512 <= len(blocks) and blocks[at]:
        headers.append(at)
        at += 512 + -(-int(blocks[at + 124 : at + 135] or b"0", 8) // 512) * 512
    at = random.choice(headers)
    header = blocks[at : at + 512]
    size = int(header[124:135], 8)
    if random.random() < 0.35:
        header = bytearray(mutated(bytes(header), random)[:512].ljust(512, b"\0"))
    else:
        new = change(bytes(blocks[at + 512 : at + 512 + size]))
        blocks[at + 512 : at + 512 + -(-size // 512) * 512] = new + bytes(-len(new) % 512)
        header[124:136] = b"%011o\0" % len(new)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    blocks[at : at + 512] = header
    return bytes(blocks)


def _npy(content: bytes, change: Inner, random: Random) -> bytes:
    """Change the text of an array's header, its length right, or what follows it."""
    length = struct.unpack("<H", content[8:10])[0]
    header, numbers = content[10 : 10 + length], content[10 + length :]
    if random.random() < 0.7:
        header = mutated(header, random, WORDS["header"], text=True)[:0xFFFF]
    else:
        numbers = change(numbers)
    return content[:8] + struct.pack("<H", len(header)) + header + numbers


def _zlib(content: bytes, change: Inner, _: Random) -> bytes:
    return zlib.compress(change(zlib.decompress(content)))


def _png(content: bytes, change: Inner, random: Random) -> bytes:
    chunks, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, plain = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        if chunks and kind == chunks[-1][0] == b"IDAT":  # pieces of one stream
            plain = chunks.pop()[1] + plain
        chunks.append((kind, plain))
        at += 12 + length
    at = random.randrange(len(chunks))
    kind, plain = chunks[at]
    drawn = random.random()
    if kind == b"IDAT" and drawn < 0.5:
        chunks[at] = (kind, _zlib(plain, change, random))
    elif drawn < 0.75:
        chunks[at] = (kind, change(plain))
    elif drawn < 0.85:
        known = (
            b"IHDR",
            b"PLTE",
            b"tRNS",
            b"IDAT",
            b"acTL",
            b"fcTL",
            b"fdAT",
            b"zTXt",
            b"iCCP",
            b"eXIf",
            b"gAMA",
        )
        chunks[at] = (random.choice(known), plain)
    elif drawn < 0.95:
        chunks.insert(random.randrange(len(chunks)), chunks[at])
    else:
        del chunks[at]
    return content[:8] + b"".join(
        struct.pack(">I", len(plain)) + kind + plain + struct.pack(">I", zlib.crc32(kind + plain))
        for kind, plain in chunks
    )


def _mat(content: bytes, change: Inner, random: Random) -> bytes:
    """Change what is packed in one element of a MATLAB file, or an element that is not packed."""
    elements, at = [], 128
    while at < len(content):
        kind, length = struct.unpack("<II", content[at : at + 8])
        elements.append((kind, content[at + 8 : at + 8 + length]))
        at += 8 + length
    at = random.randrange(len(elements))
    kind, plain = elements[at]
    elements[at] = (kind, _zlib(plain, change, random) if kind == 15 else change(plain))
    return content[:128] + b"".join(struct.pack("<II", kind, len(plain)) + plain for kind, plain in elements)


def _safetensors(content: bytes, change: Inner, random: Random) -> bytes:
    """Change the text of the header, with a correct length, or one of the texts nested in it."""
    length = int.from_bytes(content[:8], "little")
    header, numbers = content[8 : 8 + length], content[8 + length :]
    drawn = random.random()
    if drawn < 0.4:
        table = json.loads(header)
        texts = table.get("__metadata__", {})
        if texts:
            key = random.choice(sorted(texts))
            texts[key] = mutated(texts[key].encode(), random, WORDS["json"], text=True).decode(
                "utf-8", "replace"
            )
        header = json.dumps(table).encode()
    elif drawn < 0.8:
        header = mutated(header, random, WORDS["json"], text=True)
    else:
        numbers = change(numbers)
    return len(header).to_bytes(8, "little") + header + numbers


def _classifier(content: bytes, change: Inner, random: Random) -> bytes:
    """Change the description of a classifier, which is a text nested in a text of the header."""
    del change
    length = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + length])
    ((key, text),) = table["__metadata__"].items()
    stored = json.loads(text)
    # A text in a text in a text: each zero in it takes twelve bytes.
    description = mutated(stored["classifier"].encode(), random, WORDS["json"], text=True)[: 1 << 16]
    stored["classifier"] = description.decode("utf-8", "replace")
    table["__metadata__"][key] = json.dumps(stored)
    header = json.dumps(table).encode()
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


_OPENED: dict[str, Callable[[bytes, Inner, Random], bytes]] = {
    "gzip": _gzip,
    "bz2": _bz2,
    "zip": _zip,
    "stored": _stored,
    "tar": _tar,
    "npy": _npy,
    "png": _png,
    "mat": _mat,
    "safetensors": _safetensors,
    "classifier": _classifier,
}
