"""A small library with known fields, in both languages, for the tests of browsing."""

from __future__ import annotations

import json
from pathlib import Path

PAPERS = [
    {"title": "Amber lamps in the tundra", "abstract": "We measure how amber lamps warm a tundra greenhouse. Growth rises by 12 percent.",
     "authors": ["Wei Wang", "Ada Holm"], "year": 2021, "venue": "Journal of Lamps", "keywords": ["amber lamp", "greenhouse"]},
    {"title": "Blue lamps and moths", "abstract": "Blue lamps draw fewer moths than white lamps in a field of 40 traps.",
     "authors": ["Holm, Ada"], "year": 2019, "venue": "Journal of Lamps", "keywords": ["Amber Lamp", "moths"]},
    {"title": "Kelp farms under ice", "abstract": "Kelp farms under sea ice keep 30 percent of their biomass through the winter.",
     "authors": ["José Núñez"], "year": 2021, "venue": "Polar Farming", "keywords": ["kelp"]},
    {"title": "高原雪深的卫星预测", "abstract": "本文用卫星数据预测高原雪深，误差为2.5厘米，优于气象站插值。",
     "authors": ["张三", "李四"], "year": 2022, "venue": "遥感学报", "keywords": ["雪深"]},
    {"title": "冻土路基的温度监测", "abstract": "我们在冻土路基中布设光纤，连续监测温度三年，发现路基升温0.8度。",
     "authors": ["张三"], "year": 2020, "venue": "遥感学报", "keywords": ["冻土", "雪深"]},
    {"title": "A note without a year", "abstract": "This note lists open questions on the storage of sea ice cores in old freezers."},
]  # fmt: skip


def write_library(folder: Path) -> Path:
    """Write the papers to one file of JSON lines in a new folder, and return the folder."""
    folder.mkdir()
    lines = [json.dumps(paper, ensure_ascii=False) + "\n" for paper in PAPERS]
    (folder / "library.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder
