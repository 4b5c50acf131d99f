import asyncio
from contextlib import aclosing
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from genkan_profiles.language.sentences import say
from genkan_spawner.following.steps import Progress, Step
from genkan_spawner.starting.story import Story, Told

from ...support.jumping import in_jumping_time


async def hear(story: Story, count: int) -> list[Told]:
    heard = []
    async with aclosing(story.read()) as reading:
        async for told in reading:
            heard.append(told)
            if len(heard) == count:
                break
    return heard


@in_jumping_time
async def test_everybody_hears_everything_whenever_they_come() -> None:
    story = Story()
    early = asyncio.create_task(hear(story, 3))
    await asyncio.sleep(0)
    story.tell(Progress(Step.ASKED, say("One.")))
    await asyncio.sleep(0)
    between = asyncio.create_task(hear(story, 3))
    story.tell(Progress(Step.PLACING, say("Two.")))
    story.tell(Progress(Step.PULLING, say("Three.")))
    late = asyncio.create_task(hear(story, 3))

    heard = await asyncio.gather(early, between, late)

    for row in heard:
        assert row == [Told(10, say("One.")), Told(20, say("Two.")), Told(50, say("Three."))]


@in_jumping_time
async def test_a_reader_waits_for_what_is_still_to_come() -> None:
    story = Story()
    story.tell(Progress(Step.ASKED, say("One.")))
    reading = asyncio.create_task(hear(story, 2))
    await asyncio.sleep(60)
    assert not reading.done()

    story.tell(Progress(Step.PLACED, say("Two.")))

    assert [told.sentence for told in await reading] == ["One.", "Two."]


def test_the_newest_sentence_is_at_hand() -> None:
    story = Story()
    assert story.last == ""

    story.tell(Progress(Step.ASKED, say("One.")))

    assert story.last == "One."


@given(st.lists(st.tuples(st.sampled_from(Step), st.sampled_from(["a", "b", "c"])), min_size=1))
def test_the_bar_never_goes_back_and_no_sentence_is_told_twice_running(steps: list[tuple[Step, str]]) -> None:
    story = Story()
    for step, sentence in steps:
        story.tell(Progress(step, say(sentence)))

    told = story._told
    percents = [row.percent for row in told]
    assert percents == sorted(percents)
    assert all(one.sentence != other.sentence for one, other in pairwise(told))
    assert [row.sentence for row in told][-1] == steps[-1][1]
