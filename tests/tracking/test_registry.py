"""Aliases change one at a time, each change with its reason, whoever else is at it."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbprod.errors import NbprodError
from nbprod.running.ledger import Ledger
from nbprod.tracking.registry import CHAMPION, Moved, MovedError, Registry, Version

NOW = "2026-11-23T00:00:00+00:00"


def registry(folder) -> Registry:
    return Registry(ledger=Ledger(path=folder / "ledger.sqlite"))


def version(number: int) -> Version:
    return Version(model="m", run=f"run-{number}", stage="train", value="model", digest="d", made=NOW)


def move(held: Registry, to: Version, expected: int | None) -> None:
    held.move(CHAMPION, to, expected=expected, who="ann", why="better", made=NOW)


def test_a_version_entered_twice_keeps_its_number(tmp_path):
    held = registry(tmp_path)
    first, second, again = (held.enter(version(one)) for one in (1, 2, 1))
    assert (first.version, second.version, again) == (1, 2, first)


def test_rolling_back_goes_one_promotion_further_each_time_and_then_refuses(tmp_path):
    held = registry(tmp_path)
    for number in (1, 2, 3):
        move(held, held.enter(version(number)), number - 1 or None)
    stood = []
    for _ in range(2):
        held.rollback("m", who="bob", why="wrong", made=NOW)
        stood.append(held.aliases("m")[CHAMPION])
    with pytest.raises(NbprodError, match="no champion before this one"):
        held.rollback("m", who="bob", why="wrong", made=NOW)
    told = [(one.kind, one.was, one.version, one.who, one.why) for one in held.history("m")][:3]
    assert stood == [2, 1]
    assert told == [
        (Moved.ROLLBACK, 2, 1, "bob", "wrong"),
        (Moved.ROLLBACK, 3, 2, "bob", "wrong"),
        (Moved.PROMOTION, 2, 3, "ann", "better"),
    ]


@pytest.mark.parametrize(
    ("reference", "found"),
    [("champion", 2), ("1", 1), ("m@champion", 2), ("m@2", 2)],
    ids=["by alias", "by number", "by model and alias", "by model and number"],
)
def test_a_version_goes_by_the_names_people_give_it(tmp_path, reference, found):
    held = registry(tmp_path)
    held.enter(version(1))
    move(held, held.enter(version(2)), None)
    assert held.named(reference).version == found


@pytest.mark.parametrize(
    ("reference", "says"),
    [("champoin", "Did you mean 'champion'"), ("k@1", "no model 'k'"), ("m@9", "has no '9'")],
    ids=["a near miss", "no such model", "no such version"],
)
def test_a_name_of_nothing_is_refused_with_what_there_is(tmp_path, reference, says):
    held = registry(tmp_path)
    move(held, held.enter(version(1)), None)
    with pytest.raises(NbprodError, match=says):
        held.named(reference)


def _raced(folder, rounds: int, barrier) -> int:
    """How many of the rounds this process won."""
    held, won = registry(folder), 0
    mine = [held.enter(version(number)) for number in (1, 2)]
    for one in range(rounds):
        barrier.wait()
        stands = held.aliases("m").get(CHAMPION)
        barrier.wait()
        try:
            move(held, mine[one % 2], stands)
            won += 1
        except MovedError:
            pass
    return won


def _race(folder, rounds, barrier, won) -> None:
    with won.get_lock():
        pass
    count = _raced(folder, rounds, barrier)
    with won.get_lock():
        won.value += count


def test_of_promotions_at_once_exactly_one_wins_each_time(tmp_path):
    # A promotion to the version that stands already changes nothing that a rival could see: two take turns.
    rounds, rivals = 250, 4
    context = multiprocessing.get_context("fork")
    barrier, won = context.Barrier(rivals), context.Value("i", 0)
    registry(tmp_path).enter(version(1))
    processes = [context.Process(target=_race, args=(tmp_path, rounds, barrier, won)) for _ in range(rivals)]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    assert [one.exitcode for one in processes] == [0] * rivals
    assert (won.value, len(registry(tmp_path).history("m"))) == (rounds, rounds)


def test_a_thousand_threads_that_promote_at_once_have_one_winner(tmp_path):
    held = registry(tmp_path)
    rivals = [held.enter(version(number)) for number in range(1, 11)]

    def tried(number: int) -> bool:
        try:
            move(held, rivals[number % 10], None)
        except MovedError:
            return False
        return True

    with ThreadPoolExecutor(max_workers=16) as pool:
        won = sum(pool.map(tried, range(1000)))
    assert (won, len(held.history("m"))) == (1, 1)
