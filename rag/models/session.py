"""Sessions of onnxruntime: local, quiet, and with the threads that they are given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession as InferenceSession


def load_session(graph: Path, threads: int) -> InferenceSession:
    """Return a session in which `threads` threads work on one input; raise ValueError if it cannot run."""
    # Since 1.29 it reports every session to its makers, on Linux too. The variable counts when the library is
    # loaded, the call when another part of the program has loaded it before.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    from onnxruntime import InferenceSession, SessionOptions, disable_telemetry_events
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    disable_telemetry_events()
    options = SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the language model needs them
    try:
        return InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except (state.Fail, state.InvalidProtobuf, state.InvalidGraph, state.NotImplemented) as error:
        raise ValueError(f"onnxruntime cannot run {graph}: {error}") from error
