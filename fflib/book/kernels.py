"""Kernels for chapters: in the running interpreter, each with sockets of its own, and warm where that works."""

import asyncio
import atexit
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from tempfile import mkdtemp
from threading import Lock
from typing import Any, ClassVar
from weakref import WeakSet, finalize

import psutil
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

__all__ = ["ThisPython"]

LAUNCHER = ["-m", "ipykernel_launcher"]
ONE_AT_A_TIME = Lock()
SERVERS: dict[str, "subprocess.Popen[str]"] = {}
"""Programs that fork kernels, by the number of threads that theirs have."""


class ThisPython(AsyncKernelManager):
    """Starts kernels in the running interpreter, whichever kernels are registered."""

    kernel_spec = KernelSpec(
        # What goes wrong in a cell reaches the reader; how kernels talk and stop need not.
        **get_kernel_dict(extra_arguments=["--log-level=CRITICAL"]),
        env={
            # Figures go into the notebook even where another backend is set from outside.
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "TQDM_DISABLE": "1",  # bars are for those who watch, not for readers
        },
    )
    _managers: ClassVar[WeakSet["ThisPython"]] = WeakSet()

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._managers.add(self)
        if os.name == "posix":
            # Free ports are looked for before the kernel takes them: of two kernels that start
            # together one may find its port taken. Sockets in a folder of its own are not shared.
            sockets = mkdtemp(prefix="fflib-")
            finalize(self, shutil.rmtree, sockets, ignore_errors=True)
            self.transport = "ipc"
            self.ip = f"{sockets}/kernel"

    @classmethod
    def kill_all(cls) -> None:
        """Kill every kernel that this process has started; whoever waits for one gets an error."""
        for manager in list(cls._managers):
            process = getattr(manager.provisioner, "process", None)
            if process is not None:
                process.kill()

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        # Half of the time that a chapter takes may go into imports, the same for all of them. Elsewhere
        # than on Linux, a process that is forked may not use what was loaded before.
        if sys.platform != "linux" or kernel_cmd[1:3] != LAUNCHER:
            await super()._async_launch_kernel(kernel_cmd, **kw)
            return
        arguments, environment = kernel_cmd[3:], kw.get("env") or dict(os.environ)
        folder = str(kw.get("cwd") or os.getcwd())
        process = await asyncio.to_thread(_fork, arguments, environment, folder)
        provisioner: Any = self.provisioner
        provisioner.process, provisioner.cwd = process, folder
        provisioner.pid = provisioner.pgid = process.pid
        self._reconcile_connection_info(provisioner.connection_info)


class _Forked:
    """A forked kernel, as those who start processes know one; its exit code is nobody's."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._process = psutil.Process(pid)
        except psutil.NoSuchProcess:
            raise RuntimeError("the kernel ended as soon as it had begun") from None

    def poll(self) -> int | None:
        with suppress(psutil.NoSuchProcess):
            if self._process.status() != psutil.STATUS_ZOMBIE:
                return None
        return 0

    def wait(self) -> int:
        return 0  # asked for once it has ended

    def send_signal(self, number: int) -> None:
        with suppress(psutil.NoSuchProcess):
            self._process.send_signal(number)

    def kill(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self._process.kill()

    terminate = kill


def _fork(arguments: list[str], environment: Mapping[str, str], folder: str) -> _Forked:
    asked = {"arguments": arguments, "environment": dict(environment), "folder": folder}
    with ONE_AT_A_TIME:
        # Libraries look up the number of threads when they are imported, and never again.
        server = _server(environment.get("OMP_NUM_THREADS", ""))
        assert server.stdin
        assert server.stdout
        try:
            print(json.dumps(asked), file=server.stdin, flush=True)
            answer = server.stdout.readline()
        except OSError:
            answer = ""
    if not answer:
        raise RuntimeError("the program that forks kernels has ended")
    return _Forked(int(answer))


def _server(threads: str) -> "subprocess.Popen[str]":
    if threads in SERVERS and SERVERS[threads].poll() is None:
        return SERVERS[threads]
    environment = dict(os.environ) | ThisPython.kernel_spec.env | {"MPLBACKEND": "agg"}
    if threads:
        environment["OMP_NUM_THREADS"] = threads
    server = subprocess.Popen(
        [sys.executable, "-m", "fflib.book.warm"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        start_new_session=True,
    )  # fmt: skip
    atexit.register(_end, server)
    SERVERS[threads] = server
    return server


def _end(server: "subprocess.Popen[str]") -> None:
    with suppress(OSError), server:  # closes its input, and waits
        pass
