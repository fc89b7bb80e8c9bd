"""A test for each clause of the specification of liquid neural cells."""

import os

import conformance

BACKEND = os.environ.get("KERAS_BACKEND", "torch")


@conformance.each_clause("liquid_gate:GateCfC", backend=BACKEND, seed=1, smoke="CI" not in os.environ)
def test_clause(report):
    assert report.conforms, str(report)
