"""The process that runs the embedded model: llama.cpp behind the OpenAI API on a loopback port.

A process of its own, because the binding holds Python's global lock while it reads the file (7 s for the
default model on 2 cores: no search, no page, no Ctrl-C), brings an OpenMP runtime beside torch's, and aborts
the process it runs in when a file is broken. Only this file imports the binding.

Protocol: one line of JSON in on standard input (`ServerOptions` and the key), one out on standard output
(`{"address"}` or `{"error"}`). The process then lives until its standard input closes, which happens however
its parent dies. It is run by path (`rag.llm.llama_cpp.client` does) and imports nothing else of this package.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_CONTEXT = 8192  # tokens
SLOT = 0


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the embedded server is told.

    Defaults by `benchmarks/llm.py`, the default model on 2 AVX-512 cores (one to three rounds; CPU seconds a
    1,000 tokens read and a 100 written, since other programs ran).
    """

    n_ctx: int = DEFAULT_CONTEXT
    n_threads: int | None = None
    """None: one a physical core."""
    n_batch: int = 256
    """As fast as 512 or 2048 (24.5 s, 81 tokens/s); a reply nobody reads stops within one batch, 3 s."""
    n_ubatch: int = 256
    n_parallel: int = 1
    """Slots. A second one, for questions about an answer that is still being written, made everything a twentieth slower
    (14 pairs), and such a question is read from where the answer's own chat parted."""
    flash_attention: bool = True
    """24.5 s; without 30.7."""
    kv_type: str = "F16"
    """Q8_0 saves 110 MB and reads a tenth slower."""
    load_mode: str = "MMAP"
    """The file's pages stay the system's to take back; NONE holds them for good."""
    repack: bool = False
    """Repacked weights write faster (8.1 s against 9.6) but read slower (27.4 against 24.5), load in 1.8 s
    against 0.8, and hold a second copy (1.5 GB against 0.35 beside the file): an answer reads ten times what
    it writes."""
    speculative: str = "NONE"
    """Copying two sentences: ngram_mod 7.7 to 7.8 s, the other n-gram drafts 9 to 14."""
    cache_ram_mib: int = 0
    """Earlier prompts kept in memory; the last one is kept anyway, and the common prefix with it."""
    warmup: bool = False
    """The first prompt does the same and is not wasted."""


def physical_cores() -> int:
    """Count the physical cores this process may use: affinity mask and container quota included."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not Linux
        return max(1, (os.cpu_count() or 2) // 2)
    cores = {
        _read(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") or str(cpu)
        for cpu in allowed
    }
    quota, _, period = _read("/sys/fs/cgroup/cpu.max").partition(" ")
    limit = int(quota) // int(period) if quota.isdigit() and period.isdigit() else len(cores)
    return max(1, min(len(cores), limit))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _binding() -> Any:
    return importlib.import_module("xllamacpp")  # untyped, and slow to import


def build_params(gguf: str, name: str, api_key: str, options: ServerOptions, states: str = "") -> Any:
    """Translate the options into llama.cpp's, with everything that serves other purposes shut off.

    `states` is the folder where the slot may be saved; empty: nowhere.
    """
    llama = _binding()
    params = llama.CommonParams()
    params.model.path = gguf
    params.model_alias = {name}  # else /v1/models, which asks no key, would show the file's path
    params.api_keys = [api_key]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = params.endpoint_props = params.endpoint_slots = params.endpoint_metrics = False
    params.cors_origins, params.cors_credentials, params.cors_origins_explicit = (
        "http://127.0.0.1",
        False,
        True,
    )
    params.slot_save_path = states and f"{states}{os.sep}"  # llama.cpp puts a file's name right behind it
    params.offline = True
    params.verbosity = 1  # errors only; they go to the parent's temporary file
    params.n_gpu_layers = 0
    params.fit_params = False  # would shrink the context silently
    params.cache_prompt = True
    params.n_predict = options.n_ctx
    threads = options.n_threads or physical_cores()
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_threads_http = 4
    _tune(params, options)
    return params


def _tune(params: Any, options: ServerOptions) -> None:
    llama = _binding()
    params.n_ctx, params.n_batch, params.n_ubatch = options.n_ctx, options.n_batch, options.n_ubatch
    params.n_parallel, params.kv_unified = options.n_parallel, True
    params.flash_attn_type = llama.llama_flash_attn_type(1 if options.flash_attention else 0)
    params.cache_type_k = params.cache_type_v = llama.ggml_type[f"GGML_TYPE_{options.kv_type}"]
    params.load_mode = llama.llama_load_mode[f"LLAMA_LOAD_MODE_{options.load_mode}"]
    params.no_extra_bufts = not options.repack
    params.cache_ram_mib = options.cache_ram_mib
    params.warmup = options.warmup
    params.speculative.types = [
        llama.common_speculative_type[f"COMMON_SPECULATIVE_TYPE_{options.speculative}"]
    ]


def die_with_parent() -> None:
    """Have the kernel end this process when standard input closes, even while Python's lock is held.

    The pipe's other end belongs to the parent alone, so it closes at its exit, crash or SIGKILL. The signal
    that reports it (SIGIO) ends a process by default; where it does not exist, `main` still reads the pipe.
    """
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def main() -> None:
    """Read the job, load the model, report the address, and wait for standard input to close."""
    job = json.loads(sys.stdin.buffer.readline())
    die_with_parent()
    reply = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever native code prints must not be taken for the reply
    try:
        options = ServerOptions(**job["options"])
        params = build_params(job["gguf"], job["name"], job["api_key"], options, job["states"])
        server = _binding().Server(params)
    except (ImportError, RuntimeError, ValueError, KeyError) as error:
        print(json.dumps({"error": str(error)}), file=reply, flush=True)
        os._exit(1)
    print(json.dumps({"address": server.listening_address}), file=reply, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # not sys.exit: native threads may be decoding, and their destructors would wait for them


if __name__ == "__main__":
    main()
