"""The least any policy can spend on a trace, with the whole of it known: the bar the others are held against.

Leaving is free and coming back costs the tier a component is on, so the state is the tier of each: disk, host or
device. A stage brings its components up at their cost; then anything may fall, which is a running minimum along each axis
of a table with 3 entries a component; then what does not fit is struck out. Exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from genlock.errors import BadInput
from genlock.generation.memory.outlook import Key
from genlock.generation.memory.simulator import steps
from genlock.generation.memory.traces import Trace

if TYPE_CHECKING:
    import numpy as np

    Table = np.ndarray[Any, np.dtype[np.float64]]

COMPONENTS: Final = 11
"""Beyond them the table (3 to their number) takes minutes."""

DISK, HOST, DEVICE = range(3)


def seconds(trace: Trace) -> float:
    """Returns the fewest seconds. Raises BadInput(bad_value) for more than `COMPONENTS`, or a job that does not fit."""
    import numpy as np

    stages = steps(trace)
    parts = {key: part for phase, _ in stages for key, part in phase.needs.items()}
    axis: dict[Key, int] = {key: at for at, key in enumerate(parts)}
    if len(parts) > COMPONENTS:
        raise BadInput("bad_value", f"The optimum is for {COMPONENTS} components at most; there are {len(parts)}.")
    machine = trace.machine
    shape = (3,) * len(parts)
    tiers = np.indices(shape)
    sizes = np.array([part.bytes for part in parts.values()], dtype=np.float64).reshape(-1, *(1,) * len(parts))
    device = ((tiers == DEVICE) * sizes).sum(0)
    crowded = ((tiers == HOST) * sizes).sum(0) > machine.host
    best: Table = np.full(shape, np.inf)
    best[(DISK,) * len(parts)] = 0.0
    for phase, budget in stages:
        for key, part in phase.needs.items():
            disk = machine.reload(part.bytes, pinned=False, rebuild=part.rebuild)
            host = machine.reload(part.bytes, pinned=True)
            best = _brought(best, axis[key], disk, host)
        kept = {axis[key] for key in phase.needs}
        for at in range(len(parts)):
            if at not in kept:
                best = np.flip(np.minimum.accumulate(np.flip(best, at), at), at)
        best[crowded | (device + phase.activation > budget)] = np.inf
    least = float(best.min())
    if least == float("inf"):
        raise BadInput("bad_value", "A job of the trace does not fit into its budget.")
    return least


def _brought(best: Table, at: int, disk: float, host: float) -> Table:
    """Returns the table after the component of an axis was brought to the device from wherever it was."""
    import numpy as np

    from_disk, from_host, there = np.moveaxis(best, at, 0)
    table = np.full_like(best, np.inf)
    np.moveaxis(table, at, 0)[DEVICE] = np.minimum(np.minimum(from_disk + disk, from_host + host), there)
    return table
