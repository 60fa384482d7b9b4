"""Valid files of pictures: folders of every format that is read, lists of names beside pictures, Parquet."""

from __future__ import annotations

import io
import json
import struct
import zlib
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from seeds import Files, Seed


def _noise(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 17, 3), np.uint8))


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@cache
def _samples() -> dict[str, tuple[bytes, str]]:
    """Return a file for each format and the ways in which it can be written, and its kind."""
    noise, grey, paletted = _noise(), _noise().convert("L"), _noise().quantize(16)
    wide = grey.convert("I;16")
    lying = Image.Exif()
    lying[0x0112], lying[0x010E] = 6, "a picture"
    clear = noise.convert("RGBA")
    clear.putalpha(grey)
    files = {
        "rgb.png": _encoded(noise, "PNG"),
        # With transparency=3, tRNS would have 16 bytes, and to delete so many at once leaves a valid file of more.
        "palette.png": _encoded(paletted, "PNG", transparency=4),
        "wide.png": _encoded(wide, "PNG"),
        "clear.png": _encoded(clear, "PNG", exif=lying),
        "one bit.png": _encoded(noise.convert("1"), "PNG"),
        "texts.png": _with_chunks(_encoded(noise, "PNG"), *_TEXTS),
        "pieces.png": _in_pieces(_encoded(clear, "PNG")),
        "interlaced.png": _interlaced(),
        "one frame.png": _with_chunks(_encoded(noise, "PNG"), (b"acTL", struct.pack(">II", 1, 0)), _FRAME),
        "and more.png": _encoded(noise.convert("LA"), "PNG") + b"and more",
        "rgb.jpg": _encoded(noise, "JPEG", exif=lying),
        "progressive.jpg": _encoded(noise, "JPEG", progressive=True, quality=30),
        "cmyk.jpg": _encoded(noise.convert("CMYK"), "JPEG"),
        "grey.jpg": _encoded(grey, "JPEG", restart_marker_blocks=1),
        "two.jpg": _encoded(noise, "MPO", save_all=True, append_images=[_noise(1)]),
        "plain.gif": _encoded(paletted, "GIF", transparency=1),
        "interlaced.gif": _encoded(paletted, "GIF", interlace=1, comment=b"a picture"),
        "plain.avif": _encoded(noise, "AVIF", speed=10),
        "clear.avif": _encoded(clear, "AVIF", speed=10, quality=90, exif=lying),
        "plain.webp": _encoded(noise, "WEBP", exif=lying),
        "lossless.webp": _encoded(clear, "WEBP", lossless=True),
        "rgb.bmp": _encoded(noise, "BMP"),
        "palette.bmp": _encoded(paletted, "BMP"),
        "rgb.ppm": _encoded(noise, "PPM"),
        "grey.pgm": b"P2 4 3 255\n" + b" ".join(b"%d" % (20 * n) for n in range(12)) + b"\n",
        "bits.pbm": _encoded(noise.convert("1"), "PPM"),
        "plain.tif": _encoded(noise, "TIFF", exif=lying),
        "lzw.tif": _encoded(noise, "TIFF", compression="tiff_lzw"),
        "deflate.tif": _encoded(grey, "TIFF", compression="tiff_adobe_deflate"),
        "jpeg.tif": _encoded(noise, "TIFF", compression="jpeg"),
        "packbits.tif": _encoded(paletted, "TIFF", compression="packbits"),
        "fax.tif": _encoded(noise.convert("1"), "TIFF", compression="group4"),
        "wide.tif": _encoded(wide, "TIFF"),
        "float.tif": _encoded(grey.convert("F"), "TIFF"),
        "tiled.tif": _encoded(
            noise.resize((32, 32)), "TIFF", compression="tiff_lzw", tiffinfo={322: 16, 323: 16}
        ),
    }
    return {
        name: (content, "png/bytes" if name.endswith(".png") else "bytes") for name, content in files.items()
    }


_TEXTS = (
    (b"gAMA", struct.pack(">I", 45455)),
    (b"tEXt", b"Software\0a test"),
    (b"tIME", struct.pack(">H5B", 2020, 1, 2, 3, 4, 5)),
    (b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'),
)
_FRAME = (b"fcTL", struct.pack(">IIIIIHHBB", 0, 17, 20, 0, 0, 1, 1, 0, 0))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _with_chunks(content: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG with chunks before its pixels."""
    at = content.index(b"IDAT") - 4
    return content[:at] + b"".join(_chunk(*chunk) for chunk in chunks) + content[at:]


def _in_pieces(content: bytes) -> bytes:
    """Return a PNG with its pixels in chunks of 100 bytes."""
    at = content.index(b"IDAT") - 4
    (length,) = struct.unpack(">I", content[at : at + 4])
    packed = content[at + 8 : at + 8 + length]
    pieces = [_chunk(b"IDAT", packed[start : start + 100]) for start in range(0, length, 100)]
    return content[:at] + b"".join(pieces) + content[at + 12 + length :]


def _interlaced() -> bytes:
    """Return a grey PNG of 11 x 9 pixels in seven passes, which Pillow does not write."""
    passes = (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    )
    pixels = np.random.default_rng(3).integers(0, 256, (9, 11), np.uint8)
    rows = [row for x, y, across, down in passes for row in pixels[y::down, x::across] if len(row)]
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">II5B", 11, 9, 8, 0, 0, 0, 1))
        + _chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))
        + _chunk(b"IEND", b"")
    )


def folders() -> list[Seed]:
    """One changed picture among good ones, for each format, and in folders of splits."""
    good = {
        f"{name}/{n}.png": _encoded(_noise(n + 7 * place).resize((9, 8)), "PNG")
        for place, name in enumerate(("cat", "dog"))
        for n in range(7)
    }
    found = [
        Seed(name, {**good, f"cat/{name}": content}, {f"cat/{name}": kind})
        for name, (content, kind) in _samples().items()
    ]
    splits: Files = {
        f"{split}/{name}": content for split in ("train", "test") for name, content in good.items()
    }
    return [*found, Seed("splits", splits, dict.fromkeys(splits, "png/bytes"))]


def lists() -> list[Seed]:
    """Lists with other columns, orders and quotes, the pictures beside them or in a folder."""
    pictures = {f"p{n}": _encoded(_noise(n), "PNG") for n in range(6)}
    kinds = ("cat", "dog")
    plain = "\n".join(["id,label", *(f"p{n},{kinds[n % 2]}" for n in range(6)), ""]).encode()
    quoted = '"file_name","other","class"\r\n' + "".join(
        f'"a folder/p{n}.png","x, ""y""\nz","{kinds[n % 2]}"\r\n' for n in range(6)
    )
    beside = {f"{name}.png": content for name, content in pictures.items()}
    below = {f"train/{name}": content for name, content in beside.items()}
    deep = {f"a folder/{name}": content for name, content in beside.items()}
    both = {
        **below,
        "train.csv": plain,
        **{f"test/{name}": c for name, c in beside.items()},
        "test.csv": plain,
    }
    return [
        Seed("beside", {**beside, "labels.csv": plain}, {"labels.csv": "csv"}),
        Seed("in a folder", {**below, "train.csv": plain}, {"train.csv": "csv"}, "train.csv"),
        Seed("quoted", {**deep, "list.csv": quoted.encode()}, {"list.csv": "csv"}),
        Seed("both splits", both, {"train.csv": "csv", "test.csv": "csv", "train/p0.png": "png/bytes"}),
        *_other_lists(below, [(f"p{n}.png", kinds[n % 2]) for n in range(6)]),
    ]


def _other_lists(pictures: Files, rows: list[tuple[str, str]]) -> list[Seed]:
    """Lists in other forms than CSV, and with columns beside those of the picture and the class."""
    records = [{"file_name": name, "label": label} for name, label in rows]
    parts = "".join(
        f"C:\\pictures\\train\\{name};{label};{'ten'[n % 3]}\n" for n, (name, label) in enumerate(rows)
    )
    parts = parts.replace(";t\n", ";train\n").replace(";e\n", ";test\n").replace(";n\n", ";train\n")
    flags = "".join(f"{name[:-4]}\t{int(label == 'cat')}\t{int(label == 'dog')}\n" for name, label in rows)
    texts = {
        "list.tsv": "\ufeffimage\tcat\tdog\n" + flags,
        "parts.csv": "path;kind;split\n" + parts,
        "train/metadata.jsonl": "".join(f"{json.dumps(record)}\n" for record in records),
        "labels.json": json.dumps(dict(rows)),
        "records.json": json.dumps({"train": records[:4], "test": records[4:]}),
        "list.txt": "".join(f"train/{name} {label}\n" for name, label in rows),
    }
    found = [Seed(path, pictures | {path: text.encode()}, {path: "csv"}) for path, text in texts.items()]
    wide = texts["parts.csv"].encode("utf-16")
    return [*found, Seed("UTF-16", pictures | {"parts.csv": wide}, {"parts.csv": "bytes"})]


def parquet() -> list[Seed]:
    """Packed in each way, labels as numbers, names, dictionaries, with the hub's description of them."""
    pictures = [_encoded(_noise(n).resize((8, 8)), "PNG") for n in range(6)]
    numbers = pa.array([n % 2 for n in range(6)])
    names = pa.array([("cat", "dog")[n % 2] for n in range(6)])
    plain = pa.table({"image": pictures, "label": numbers})
    hub = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    structs = pa.table(
        {"image": [{"bytes": content, "path": None} for content in pictures], "label": numbers}
    )
    structs = structs.replace_schema_metadata({"huggingface": json.dumps(hub)})
    tables = {
        "snappy": _parquet(plain, compression="snappy"),
        "zstd": _parquet(structs, compression="zstd"),
        "gzip": _parquet(plain, compression="gzip", use_dictionary=False),
        "plain": _parquet(plain, compression="none", use_dictionary=False),
        "dictionary": _parquet(
            pa.table({"image": pictures, "label": names.dictionary_encode()}), use_dictionary=True
        ),
        "names": _parquet(pa.table({"img": pictures, "label": names}), row_group_size=2),
        "second pages": _parquet(plain, data_page_version="2.0", data_page_size=64, write_page_checksum=True),
        "delta": _parquet(
            plain,
            use_dictionary=False,
            column_encoding={"image": "DELTA_BYTE_ARRAY", "label": "DELTA_BINARY_PACKED"},
        ),
    }
    found = [
        Seed(name, {"train.parquet": content}, {"train.parquet": "bytes"}, "train.parquet")
        for name, content in tables.items()
    ]
    table = pa.table({"image": pictures, "label": numbers})
    content = _parquet(table, compression="none", use_dictionary=False, write_page_checksum=True)
    places = [
        (content.index(part), len(part))
        for part in [*pictures, np.array([n % 2 for n in range(6)]).tobytes()]
    ]
    stretches = tuple((start, start + length) for start, length in places)
    found.append(
        Seed(
            "page checksums",
            {"train.parquet": content},
            {"train.parquet": "bytes"},
            "train.parquet",
            sealed={"train.parquet": stretches},
        )
    )
    shards = {"train-00000-of-00002.parquet": tables["zstd"], "train-00001-of-00002.parquet": tables["zstd"]}
    return [*found, Seed("shards", shards, dict.fromkeys(shards, "bytes"))]


def _parquet(table: pa.Table, **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return bytes(sink.getvalue())
