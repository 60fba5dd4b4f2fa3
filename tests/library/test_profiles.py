"""Which profile a run gets."""

import pytest

from nextframe import profiles


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_environment_chooses(monkeypatch, name):
    monkeypatch.setenv("NEXTFRAME_PROFILE", name)
    assert profiles.current() == name
    assert profiles.pick(ci="ci", cpu="cpu", gpu="gpu") == name


@pytest.mark.parametrize(("gpu", "expected"), [(True, "gpu"), (False, "cpu")])
def test_otherwise_the_machine_does(monkeypatch, gpu, expected):
    monkeypatch.delenv("NEXTFRAME_PROFILE", raising=False)
    monkeypatch.setattr(profiles.keras.distribution, "list_devices", lambda kind: ["gpu:0"] if gpu else [])
    assert profiles.current() == expected


def test_no_gpu_backend_is_no_gpu(monkeypatch):
    def refuse(kind):
        raise RuntimeError("Unknown backend gpu")

    monkeypatch.delenv("NEXTFRAME_PROFILE", raising=False)
    monkeypatch.setattr(profiles.keras.distribution, "list_devices", refuse)
    assert profiles.current() == "cpu"


def test_unknown_profile(monkeypatch):
    monkeypatch.setenv("NEXTFRAME_PROFILE", "fast")
    with pytest.raises(ValueError, match="NEXTFRAME_PROFILE='fast': expected one of ci, cpu, gpu"):
        profiles.current()
