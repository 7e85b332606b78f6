import numpy as np

from bitline.core.seeds import stream


def test_a_stream_replays_alone():
    first = [stream(7, "cell", index).standard_normal(4) for index in range(3)]
    np.testing.assert_array_equal(stream(7, "cell", 2).standard_normal(4), first[2])


def test_streams_of_other_keys_share_nothing():
    keys = [
        ("cell", 3),
        ("chip", 3),
        ("cell", 4),
        ("chip", 3, "layer1"),
        ("chip", 3, "layer2"),
        ("chip", 3, "layer1", 0),
    ]
    draws = {stream(7, *key).integers(2**62) for key in keys} | {stream(8, "cell", 3).integers(2**62)}
    assert len(draws) == len(keys) + 1


def test_the_stream_is_that_of_a_seed_sequence():
    """A spawned child and a stream of one word are the same generator, so other tools can draw the same numbers."""
    child = np.random.SeedSequence(7, spawn_key=(5, 1))
    assert np.random.default_rng(child).integers(2**62) == np.random.default_rng(
        np.random.SeedSequence(7, spawn_key=(5,)).spawn(2)[1]
    ).integers(2**62)
