"""Semio's twin beside Brian2 (C++ standalone) and NEURON: one machine, in turn, medians, compile time excluded.

    pip install brian2 neuron "numpy<2.3" cython
    nrnivmodl crates/semio-twin/tests/fixtures/neuron     # in the folder from which this is run
    python benches/twin/compare.py --rounds 5 [--only neurons|network|axon]

Brian2 runs its generated C++ with as many OpenMP threads as Semio has threads; NEURON's solver has one thread a cell, and
so has Semio's. Same step, double precision, noisy input in the neurons' cases. Brian2's time is that of the simulation
loop as it reports it itself (`device._last_run_time`); Semio's is that of the whole run with its wiring.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
THREADS = 2
sys.path.insert(0, str(ROOT / "crates/semio-twin/tests/fixtures/neuron"))


def program():
    """Builds the Rust side and gives its path."""
    command = "nice -n 15 cargo bench -p semio-twin --bench speed --no-run --message-format=json"
    lines = subprocess.run(command.split(), cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    built = (json.loads(line) for line in lines)
    return next(b["executable"] for b in built if b.get("executable") and b["target"]["name"] == "speed")


def semio(path, case):
    out = subprocess.run([path, case, str(THREADS)], check=True, capture_output=True, text=True).stdout
    return json.loads(out)


class Brian:
    """One network, built once; each call of `run` is one run of the compiled program."""

    def __init__(self, neurons, connectivity):
        import brian2 as b

        self.b = b
        self.folder = tempfile.mkdtemp(prefix="twin-brian-")
        b.set_device("cpp_standalone", directory=self.folder, build_on_run=False)
        b.prefs.devices.cpp_standalone.openmp_threads = THREADS
        b.defaultclock.dt = 0.1 * b.ms
        group = b.NeuronGroup(
            neurons,
            "dv/dt = (1.5 - v) / (20 * ms) + 0.2 * sqrt(2 / (20 * ms)) * xi : 1 (unless refractory)",
            threshold="v >= 1",
            reset="v = 0",
            refractory=2 * b.ms,
            method="euler",
        )
        parts = [group]
        if connectivity:
            excitatory = int(0.8 * neurons)
            for source, weight in ((group[:excitatory], 0.02), (group[excitatory:], -0.1)):
                synapses = b.Synapses(source, group, on_pre=f"v_post += {weight}", delay=1.5 * b.ms)
                synapses.connect(p=connectivity)
                parts.append(synapses)
        self.spikes = b.SpikeMonitor(group)
        b.Network(*parts, self.spikes).run(1000 * b.ms)
        b.device.build(directory=self.folder, compile=True, run=False)

    def run(self):
        self.b.device.run(self.folder, with_output=False, run_args=[])
        return {"seconds": self.b.device._last_run_time, "spikes": self.spikes.num_spikes}


def neuron_axon():
    from axon import Axon

    axon = Axon(fibre=10.0, nodes=101)
    _, seconds = axon.arrivals(0.005, 20.0, 5.0)
    return {"seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["neurons", "network", "axon"])
    args = parser.parse_args()
    path = program()
    for case in ["neurons", "network", "axon"] if args.only is None else [args.only]:
        if case == "axon":
            peer, name = neuron_axon, "NEURON"
        else:
            brian = Brian(100_000, 0) if case == "neurons" else Brian(10_000, 0.01)
            peer, name = brian.run, "Brian2"
        pairs = [(semio(path, case), peer()) for _ in range(args.rounds)]
        here, there = (statistics.median(p[i]["seconds"] for p in pairs) for i in (0, 1))
        print(f"{case}: Semio {here:.3f} s, {name} {there:.3f} s, ratio {there / here:.1f}; last: {pairs[-1]}")
        if case != "axon":
            shutil.rmtree(brian.folder)
            brian.b.device.reinit()


if __name__ == "__main__":
    main()
