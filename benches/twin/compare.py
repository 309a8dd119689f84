"""Semio's twin beside Brian2 (C++ standalone), NEST and NEURON: one machine, in turn, medians, compile time excluded.

    pip install brian2 neuron nest-simulator "numpy<2.3" cython
    nrnivmodl crates/semio-twin/tests/fixtures/neuron     # in the folder from which this is run
    python benches/twin/compare.py --rounds 5 [--only neurons|network|axon] [--peers brian2,nest,neuron] [--tenth]

Brian2 runs its generated C++ with as many OpenMP threads as Semio has threads, and NEST as many of its own; NEURON's solver
has one thread a cell, and so has Semio's. Same step, double precision, noisy input in the neurons' cases. Brian2's time is
that of the simulation loop as it reports it itself (`device._last_run_time`), NEST's that of `nest.Run` after `Prepare`;
Semio's is that of its simulation too, and the wiring before it is told apart. `--tenth` tries everything out on a tenth of
the neurons (Semio's own runs stay whole, so that its ratios say nothing then).
"""

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
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


class Nest:
    """The same network in NEST: exact integration between steps, as Semio's, and noise held for a step."""

    def __init__(self, neurons, connectivity):
        self.size = (neurons, connectivity)

    def run(self):
        import nest

        neurons, connectivity = self.size
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.ERROR
        nest.resolution, nest.local_num_threads = 0.1, THREADS
        # With a capacity of tau a current of 1 holds the potential at 1.
        leaky = {"tau_m": 20.0, "C_m": 20.0, "E_L": 0.0, "V_th": 1.0, "V_reset": 0.0, "V_m": 0.0, "t_ref": 2.0, "I_e": 1.5}
        group = nest.Create("iaf_psc_delta", neurons, params=leaky)
        kept = math.exp(-0.1 / 20.0)
        noise = nest.Create("noise_generator", params={"std": 0.2 * math.sqrt((1 + kept) / (1 - kept)), "dt": 0.1})
        nest.Connect(noise, group)
        if connectivity:
            rule = {"rule": "pairwise_bernoulli", "p": connectivity}
            excitatory = int(0.8 * neurons)
            for source, weight in ((group[:excitatory], 0.02), (group[excitatory:], -0.1)):
                nest.Connect(source, group, rule, {"synapse_model": "static_synapse", "weight": weight, "delay": 1.5})
        recorder = nest.Create("spike_recorder")
        nest.Connect(group, recorder)
        nest.Prepare()
        begun = time.perf_counter()
        nest.Run(1000.0)
        seconds = time.perf_counter() - begun
        nest.Cleanup()
        return {"seconds": seconds, "spikes": recorder.n_events}


def neuron_axon():
    from axon import Axon

    axon = Axon(fibre=10.0, nodes=101)
    _, seconds = axon.arrivals(0.005, 20.0, 5.0)
    return {"seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["neurons", "network", "axon"])
    parser.add_argument("--peers", default="brian2,nest,neuron")
    parser.add_argument("--tenth", action="store_true")
    args = parser.parse_args()
    wanted = args.peers.split(",")
    path = program()
    for case in ["neurons", "network", "axon"] if args.only is None else [args.only]:
        peers, brian = [], None
        if case == "axon":
            peers = [("NEURON", neuron_axon)] if "neuron" in wanted else []
        else:
            size = (100_000, 0) if case == "neurons" else (10_000, 0.01)
            size = (size[0] // 10, size[1]) if args.tenth else size
            if "brian2" in wanted:
                brian = Brian(*size)
                peers.append(("Brian2", brian.run))
            if "nest" in wanted:
                peers.append(("NEST", Nest(*size).run))
        rounds = [[semio(path, case), *(run() for _, run in peers)] for _ in range(args.rounds)]
        here, *there = (statistics.median(r[i]["seconds"] for r in rounds) for i in range(len(peers) + 1))
        said = [f"{name} {t:.3f} s, ratio {t / here:.1f}" for (name, _), t in zip(peers, there)]
        wiring = statistics.median(r[0]["wiring_seconds"] for r in rounds)
        print(f"{case}: Semio {here:.3f} s (and {wiring:.3f} s of wiring); {'; '.join(said)}; last: {rounds[-1]}", flush=True)
        if brian:
            shutil.rmtree(brian.folder)
            brian.b.device.reinit()


if __name__ == "__main__":
    main()
