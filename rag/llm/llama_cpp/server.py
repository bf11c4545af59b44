"""Run llama.cpp behind the OpenAI API on a loopback port, in a process of its own.

The binding needs its own process for three reasons. It holds Python's global lock for seconds while it loads
a file, it brings a second OpenMP runtime, and it aborts on a broken file. Only this file imports the binding.

Protocol: one line of JSON on standard input (`ServerOptions` and the key), one on standard output
(`{"address"}` or `{"error"}`). The process ends when its standard input closes, so also if its parent dies.
It is run by path and imports nothing else of this package.
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
    """Options of the embedded server.

    The defaults were measured by `benchmarks/llm.py`; see docs/decisions.md#embedded-server-options.
    """

    n_ctx: int = DEFAULT_CONTEXT
    n_threads: int | None = None  # None: one per physical core
    n_batch: int = 256  # tokens; a cancelled reply stops within one batch
    n_ubatch: int = 256
    n_parallel: int = 1  # slots
    flash_attention: bool = True
    kv_type: str = "F16"
    load_mode: str = "MMAP"  # the system may take the file's pages back
    repack: bool = False  # repacked weights decode faster, but prefill slower and need a second copy
    speculative: str = "NONE"
    cache_ram_mib: int = 0  # earlier prompts in memory; the last one is always kept
    warmup: bool = False


def physical_cores() -> int:
    """Count the physical cores that affinity mask and container quota allow."""
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
    """Convert the options to llama.cpp's and disable all other endpoints.

    `states` is the folder for saved slots; if empty, saving is disabled.
    """
    llama = _binding()
    params = llama.CommonParams()
    params.model.path = gguf
    params.model_alias = {name}  # else /v1/models, which needs no key, would show the file's path
    params.api_keys = [api_key]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = params.endpoint_props = params.endpoint_slots = params.endpoint_metrics = False
    params.cors_origins, params.cors_credentials = "http://127.0.0.1", False
    params.cors_origins_explicit = True
    params.slot_save_path = states and f"{states}{os.sep}"  # llama.cpp appends the file name
    params.offline = True
    params.verbosity = 1  # errors only
    params.n_gpu_layers = 0
    params.fit_params = False  # it would shrink the context silently
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
    """Let the kernel end this process when standard input closes, even while Python's lock is held.

    Only the parent has the other end of the pipe, so it closes at the parent's exit, crash or SIGKILL. The
    kernel then sends SIGIO, which ends a process by default. On Windows `main` notices by reading.
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
    os.dup2(2, 1)  # output of native code must not mix with the reply
    try:
        options = ServerOptions(**job["options"])
        params = build_params(job["gguf"], job["name"], job["api_key"], options, job["states"])
        server = _binding().Server(params)
    except (ImportError, RuntimeError, ValueError, KeyError) as error:
        print(json.dumps({"error": str(error)}), file=reply, flush=True)
        os._exit(1)
    print(json.dumps({"address": server.listening_address}), file=reply, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # not sys.exit, which would wait for native threads that decode


if __name__ == "__main__":
    main()
