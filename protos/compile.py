"""Regenerate the committed stubs: `python -m protos.compile [DIR]`.

Run from the repository root, so that generated modules import as
`protos.execution.v1…` and never shadow the `execution` program.
"""

import sys
from importlib import resources
from pathlib import Path

SOURCES = (
    "protos/execution/v1/credentials.proto",
    "protos/execution/v1/execution.proto",
    "protos/execution/v1/simulation.proto",
    "protos/paper/v1/keys.proto",
    "protos/paper/v1/paper.proto",
)


def compile_into(target: Path) -> None:
    """Write messages, stubs and their types for every source below `target`."""
    from grpc_tools import protoc

    well_known = resources.files("grpc_tools") / "_proto"
    outputs = [f"--{kind}={target}" for kind in ("python_out", "pyi_out", "grpc_python_out")]
    status = protoc.main(
        ["protoc", "-I.", f"-I{well_known}", *outputs, f"--mypy_grpc_out={target}", *SOURCES]
    )
    if status != 0:
        raise SystemExit(status)


if __name__ == "__main__":
    compile_into(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
