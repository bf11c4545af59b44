"""Measure your own questions on the index: how many are answered right, rightly cited or refused."""

import json
import tempfile
from pathlib import Path

from rag.cli.main import main

QUESTIONS = [
    {
        "id": "fid",
        "question": "Which FID does the 900M Muse model reach on CC3M?",
        "relevant": ["We present Muse, a text-to-image Transformer model"],
        "answer": [r"6\.06"],
    },
    {"id": "capital", "question": "What is the capital of France?"},
]

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, QUESTIONS)), encoding="utf-8")
    raise SystemExit(main(["evaluate", "answers", str(file)]))
