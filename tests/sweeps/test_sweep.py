"""Sweeps: what workers may do and do, what the client makes of it, and that nothing is done twice."""

import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import dask
import faults
import pytest
import yaml
from distributed import LocalCluster
from faults import Cluster, experiments, leftovers
from typer.testing import CliRunner

import fflib
from fflib.cli import app
from fflib.data import load
from fflib.errors import SweepError
from fflib.records.stores import Store
from fflib.sweeps import cluster
from fflib.sweeps.checkpoints import Checkpoints
from fflib.sweeps.identity import identity
from fflib.sweeps.plan import costs, estimate, plan
from fflib.sweeps.reservations import Reservations
from fflib.sweeps.sweep import sweep
from fflib.sweeps.worker import Request, one_line, work

TINY = {"epochs": 1, "hidden": 8}


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """A scheduler and two workers, in processes of their own."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


# A worker


@pytest.fixture
def asked(store):
    """A request that can be met, whose worker is this process."""
    (experiment,) = experiments(1, **TINY)
    with Reservations(store).sweep() as mark:
        yield Request(
            experiment=experiment.model_dump(mode="json"),
            runs=[{}],
            store=str(store.folder),
            mark=mark,
            identity=identity(),
            data=load("digits").checksums,
            threads=None,
            checkpoint=300.0,
            sharing=1,
        )


def ends(asked, state, reason="", make=faults.stub):
    (answer,) = work(asked, make)
    assert answer["state"] == state
    assert reason in answer["reason"]
    assert len(answer["reason"].splitlines()) <= 1


def begun(store):
    return len(faults.diary(store))


def test_a_worker_records_a_run_once(asked, store):
    ends(asked, "recorded")
    ends(asked, "recorded")
    assert begun(store) == 1
    assert len(list(store)) == 1


def test_a_worker_leaves_a_run_to_the_one_that_trains_it(asked, store):
    (experiment,) = experiments(1, **TINY)
    with Reservations(store).reserve(experiment):
        ends(asked, "busy")
    assert begun(store) == 0
    ends(asked, "recorded")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"identity": {"fflib": "9.9"}},
            f"it has fflib {fflib.__version__}, this sweep 9.9: install the same",
        ),
        ({"identity": {"the code": "0"}}, "it has the code "),
        ({"mark": "unseen"}, "it does not see the store "),
        ({"data": {"train-images": "0"}}, "its images of digits have other checksums"),
        ({"experiment": {"dataset": "nowhere"}}, "unknown dataset 'nowhere'"),
    ],
)
def test_a_worker_that_is_not_like_the_others_does_nothing(asked, store, changes, reason):
    ends(asked | changes, "refused", reason)
    assert begun(store) == 0
    assert list(store) == []
    assert store.failures() == {}


def test_a_failure_is_noted_in_one_line_and_not_tried_again(asked, store):
    for _ in range(2):
        ends(asked, "failed", "ValueError: seed 0 is unlucky", make=faults.never)
    assert list(store.failures().values()) == ["ValueError: seed 0 is unlucky"]
    ends(asked, "failed", "unlucky")  # though it would succeed now
    assert begun(store) == 0


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate"),
    ],
)
def test_what_the_machine_is_to_blame_for_is_not_noted_as_a_failure_of_the_run(asked, store, error):
    def of_the_machine(experiment, keeper):
        raise error

    ends(asked, "aborted", one_line(error), make=of_the_machine)
    assert store.failures() == {}
    ends(asked, "recorded")


def test_a_checkpoint_is_gone_once_the_run_is_recorded(asked, store):
    (experiment,) = experiments(1, **TINY)
    path = Reservations(store).checkpoint(experiment)
    path.write_bytes(b"junk")  # which is ignored
    ends(asked | {"checkpoint": 0.0}, "recorded", make=faults.train_and_measure)
    assert not path.exists()


# Reservations


def test_tidying_leaves_the_living_alone(store):
    first, second = experiments(2, **TINY)
    reservations = Reservations(store)
    with reservations.sweep() as mark, reservations.reserve(first):
        reservations.checkpoint(second).write_bytes(b"")
        dead = reservations.folder / "dead.reserved"
        dead.touch()
        reservations.tidy()
        assert reservations.sees(mark)
        assert not dead.exists()
        assert reservations.checkpoint(second).exists()  # its run may go on from there
        with reservations.reserve(first) as mine:
            assert not mine
    reservations.checkpoint(second).unlink()
    reservations.tidy()
    assert not reservations.folder.exists()


# Planning


def test_a_plan_tells_what_is_done_from_what_is_to_do(store):
    done, failed, damaged, new = experiments(4, **TINY)
    for experiment in (done, damaged):
        store.save(_made_up(experiment, store))
    store.path(damaged).write_bytes(b"junk")
    store.save_failure(failed, "no luck")
    planned = plan([done, failed, damaged, new, new], store)
    assert (planned.recorded, planned.failed) == ([done], {failed: "no luck"})
    assert planned.todo == [damaged, new]
    assert str(store.path(damaged)) in planned.damaged[0]
    assert plan([failed], store, retry=True).todo == [failed]
    elsewhere = Store(store.folder / "elsewhere")
    assert plan([done], elsewhere, store).recorded == [done]


def test_the_cost_is_that_of_recorded_runs_by_the_epoch(store):
    short, other = experiments(1, epochs=2)[0], experiments(1, epochs=2, hidden=16)[0]
    assert costs(store) == {}
    store.save(_made_up(short, store))  # which says that it took a second
    known = costs(store)
    expected = estimate(experiments(3, epochs=20, learning_rate=0.1), known)
    assert (expected.seconds, expected.unknown) == (pytest.approx(30), 0)
    assert expected.size == 3 * store.path(short).stat().st_size
    assert estimate([other], known).unknown == 1
    (untrained,) = experiments(1, epochs=0)
    store.save(_made_up(untrained, store))
    assert estimate([short], costs(store)).seconds == pytest.approx(1)  # it says nothing of time
    assert estimate([other], {}).size != estimate([other], {}).size  # nan


def _made_up(experiment, store):
    return faults.stub(experiment, Checkpoints(Reservations(store).checkpoint(experiment), 1.0))


# A sweep


@pytest.mark.cluster
def test_another_sweep_on_the_same_store_shares_the_work(workers, store):
    """Two clients on one cluster, with more runs than workers: none is done twice."""
    first = faults.start_client(store, workers.address, 8)
    second = faults.start_client(store, workers.address, 8)
    assert (first.wait(faults.PATIENCE), second.wait(faults.PATIENCE)) == (0, 0)
    assert len(list(store)) == 8
    assert sorted(words[1] for words in faults.diary(store)) == sorted(
        e.key for e in experiments(8)
    )
    assert leftovers(store) == []


@pytest.mark.cluster
def test_a_failing_run_does_not_stop_the_others_unless_asked(workers, store):
    todo = experiments(6, **TINY)
    options = {"scheduler": workers.address, "make": faults.never}
    with pytest.raises(SweepError, match="3 runs failed, and at most 2 may: ValueError: seed"):
        list(sweep(todo, store, max_failures=2, **options))
    assert 3 <= len(store.failures()) <= 6
    outcomes = list(sweep(todo, store, **options))
    assert all(outcome.record is None for outcome in outcomes)
    assert len(store.failures()) == 6


@pytest.mark.cluster
def test_a_run_that_kills_its_workers_does_not_take_the_sweep_along(store):
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
        outcomes = list(sweep(experiments(4, **TINY), store, jobs=2, make=faults.deadly))
    (dead,) = [outcome for outcome in outcomes if outcome.record is None]
    assert dead.experiment.seed == 0
    assert "the worker died each of 2 times" in dead.error
    assert len(list(store)) == 3
    assert store.failures() == {}
    assert leftovers(store) == []


@pytest.mark.cluster
def test_a_run_that_was_recorded_before_its_worker_died_is_a_record(store, monkeypatch):
    died = {"state": "aborted", "reason": "the worker died", "worker": ""}
    monkeypatch.setattr("fflib.sweeps.sweep._answers", lambda future, runs: [died] * runs)
    (recorded,) = sweep(experiments(1, **TINY), store, jobs=1, make=faults.stub)
    assert recorded.error is None
    assert recorded.record.experiment == recorded.experiment
    (lost,) = sweep(experiments(2, **TINY), store, jobs=1, make=faults.never)
    assert (lost.error, lost.record) == ("the worker died", None)


@pytest.mark.cluster
def test_a_worker_that_is_refused_does_not_swallow_the_sweep(workers, store):
    """It answers first, again and again, and the others do the work."""
    with workers.extra("--nthreads", "2"):
        said = []
        given = {"scheduler": workers.address, "make": faults.stub, "say": said.append}
        outcomes = list(sweep(experiments(12, **TINY), store, **given))
    assert len(outcomes) == len(list(store)) == 12
    assert all(outcome.record for outcome in outcomes)
    (line,) = said
    assert line.startswith("refused worker tcp://")
    assert "takes 2 tasks at a time" in line


@pytest.mark.cluster
def test_a_worker_without_the_package_falls_out(workers, store, tmp_path):
    (tmp_path / "fflib").mkdir()
    (tmp_path / "fflib" / "__init__.py").touch()
    with workers.extra("--nthreads", "1", path=str(tmp_path)):
        given = {"scheduler": workers.address, "make": faults.stub}
        outcomes = list(sweep(experiments(12, **TINY), store, **given))
    assert all(outcome.record for outcome in outcomes)
    assert len(list(store)) == 12


@pytest.mark.cluster
def test_a_sweep_without_any_fit_worker_says_so(workers, store, monkeypatch):
    monkeypatch.setattr("fflib.sweeps.sweep.identity", lambda: {"fflib": "9.9"})
    with pytest.raises(SweepError, match=r"every worker is refused, tcp://.* this sweep 9\.9"):
        list(sweep(experiments(2, **TINY), store, scheduler=workers.address))
    assert leftovers(store) == []


def test_no_scheduler_is_one_line(store, monkeypatch):
    monkeypatch.setattr(cluster, "TIMEOUT", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense://x", "127.0.0.1:9"):
        with pytest.raises(SweepError, match=f"no scheduler answers at {address}"):
            list(sweep(experiments(1, **TINY), store, scheduler=address))


@pytest.mark.cluster
def test_progress_is_reported_while_a_run_is_under_way(workers, store, monkeypatch):
    reported = []
    (experiment,) = experiments(1, epochs=150)
    list(sweep([experiment], store, scheduler=workers.address, watch=reported.append))
    assert reported
    assert {progress["run"] for progress in reported} == {str(experiment)}
    assert {progress["epochs"] for progress in reported} == {150}
    assert sorted(p["done"] for p in reported) == [p["done"] for p in reported]


# Safety


@pytest.mark.cluster
def test_a_local_cluster_listens_on_loopback_alone_and_is_encrypted():
    with cluster.connected(1) as client:
        assert client.scheduler.address.startswith("tls://127.0.0.1:")
        import psutil

        own = psutil.Process()
        for process in (own, *own.children(recursive=True)):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    assert ip_address(connection.laddr.ip).is_loopback
        # Whoever has no certificate of this cluster is not let in.
        from distributed import Client
        from distributed.security import Security

        stranger = Security.temporary()
        with pytest.raises(OSError, match=r"(?i)timed out|certificate"):
            Client(client.scheduler.address, security=stranger, timeout=2, set_as_default=False)


def self_signed(folder):
    """A certificate and its key, made here, as the page on sweeps tells to make one."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fflib test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    return folder / "cert.pem", folder / "key.pem"


def tls(certificate, key):
    """Dask's configuration, as the page on sweeps gives it."""
    roles = ("client", "scheduler", "worker")
    own = {role: {"cert": str(certificate), "key": str(key)} for role in roles}
    comm = {"require-encryption": True, "tls": {"ca-file": str(certificate), **own}}
    return {"distributed": {"comm": comm}}


@pytest.mark.cluster
def test_a_cluster_with_a_certificate_made_by_oneself(tmp_path, store, monkeypatch):
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "tls.yaml").write_text(yaml.safe_dump(tls(*self_signed(tmp_path))))
    monkeypatch.setenv("DASK_CONFIG", str(settings))
    with Cluster(tmp_path, "--protocol", "tls") as workers:
        assert workers.address.startswith("tls://127.0.0.1:")
        client = faults.start_client(store, workers.address, 2)
        assert client.wait(faults.PATIENCE) == 0
        assert len(list(store)) == 2
        # Nobody without this certificate is let in.
        monkeypatch.setattr(cluster, "TIMEOUT", 2)
        other = tmp_path / "other"
        other.mkdir()
        for stranger in ({}, tls(*self_signed(other))):
            settings = dask.config.merge(dask.config.config, stranger)
            with dask.config.set(settings), pytest.raises(SweepError, match="no scheduler answers"):
                list(sweep(experiments(1, **TINY), Store(other), scheduler=workers.address))


# The command


@pytest.mark.cluster
def test_the_command_plans_trains_and_goes_on(workers, store, tmp_path):
    grid = tmp_path / "grid.yml"
    grid.write_text("dataset: digits\nmodel: bp\nhidden: 8\nepochs: 1\nseed: [0, 1]\n")
    options = ["sweep", str(grid), "--store", str(store.folder), "--json"]
    options += ["--scheduler", workers.address]

    def run(*more, code=0):
        result = CliRunner().invoke(app, [*options, *more])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout), result.stderr

    found, said = run("--dry-run")
    assert (found["planned"], found["to_train"], found["trained"]) == (2, 2, [])
    assert "2 runs: 0 recorded" in said
    assert "training time: unknown" in said
    assert not store.folder.exists()
    found, said = run()
    keys = {e.key for e in experiments(2, **TINY)}
    assert {row["key"] for row in found["trained"]} == keys
    assert said.count("accuracy") == 2
    found, _ = run()
    assert (found["recorded"], found["to_train"], found["trained"]) == (2, 0, [])
    grid.write_text(grid.read_text() + "learning_rate: 1.0e+30\n")
    found, said = run(code=1)
    assert len(found["failed"]) == 2
    assert said.count("failed: ") == 2
    assert run()[0]["known_to_fail"] == 2
    assert len(run("--retry", code=1)[0]["failed"]) == 2


def test_the_command_needs_a_grid(tmp_path):
    result = CliRunner().invoke(app, ["sweep"])
    assert result.exit_code == 2
    assert "GRID.yml" in result.stderr
    result = CliRunner().invoke(app, ["sweep", str(tmp_path / "no.yml")])
    assert result.stderr == f"error: {tmp_path}/no.yml cannot be read: No such file or directory\n"


@pytest.mark.cluster
@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_workers_of_a_killed_client_do_not_outlive_it(store, tmp_path):
    code = faults.CLIENT.replace("scheduler=scheduler", "jobs=1")
    process = faults.spawn([sys.executable, "-c", code, str(store.folder), "-", "1", "100000"])
    import psutil

    faults.until(lambda: faults.diary(store))
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


@pytest.mark.cluster
def test_a_sweep_whose_client_was_killed_is_gone_on_with(store):
    code = faults.CLIENT.replace("scheduler=scheduler", "jobs=1")
    process = faults.spawn([sys.executable, "-c", code, str(store.folder), "-", "4", "10"])
    faults.until(lambda: any(store.folder.glob("*.safetensors")))
    process.kill()
    process.wait()
    runs = experiments(4, epochs=10)
    assert any(run not in store for run in runs)
    list(sweep(runs, store, jobs=1, make=faults.watched))
    assert all(run in store for run in runs)
    assert not [words for words in faults.diary(store) if words[-1] == "twice"]
    assert leftovers(store) == []


@pytest.mark.cluster
def test_a_cluster_of_dask_is_used_as_it_is(store):
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    runs = experiments(2, **TINY)
    with LocalCluster(host="127.0.0.1", **options) as here:
        outcomes = list(sweep(runs, store, scheduler=here, make=faults.stub))
        assert len(here.scheduler.workers) == 1  # it is left running for others
    assert {outcome.experiment for outcome in outcomes if outcome.record} == set(runs)
