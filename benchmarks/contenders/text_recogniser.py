"""A general text recogniser that comes with its weights, run as it is on pictures of numbers: how many it reads.

    pip install rapidocr-onnxruntime    # in an environment of its own
    python benchmarks/contenders/text_recogniser.py FOLDER/test.csv

The table has the columns `file` and `number`; files are beside it. Only its recognition model is used, because the
pictures are cut around the numbers. What it reads other than digits is left out. Prints the share of numbers that are
read correctly and the processor seconds for each thousand.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import cv2
from rapidocr_onnxruntime import RapidOCR


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--limit", type=int)
    asked = parser.parse_args()
    with asked.table.open(newline="") as file:
        rows = list(csv.DictReader(file))[: asked.limit]
    engine = RapidOCR()
    began, right = time.process_time(), 0
    for row in rows:
        picture = cv2.imread(str(asked.table.parent / row["file"]))
        found, _ = engine(picture, use_det=False, use_cls=False, use_rec=True)
        text = found[0][0] if found else ""
        right += "".join(sign for sign in text if sign in "0123456789") == row["number"]
    seconds = (time.process_time() - began) / len(rows) * 1000
    print(
        f"{right:,} of {len(rows):,} read correctly: {right / len(rows):.2%}; {seconds:.0f} CPU s per 1,000"
    )


if __name__ == "__main__":
    main()
