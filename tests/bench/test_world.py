"""The world that is measured is the same in every run."""

from bench.world import follow_graph, text_of


def test_the_generated_graph_is_heavy_tailed_and_repeatable():
    world = follow_graph(people=400)

    sizes = sorted((len(followers) for followers in world.followers.values()), reverse=True)
    assert world.edges == follow_graph(people=400).edges
    assert sizes[0] > 10 * sizes[len(sizes) // 2]
    assert all(follower != followee for follower, followee in world.edges)


def test_texts_fit_and_differ():
    texts = [text_of(number) for number in range(500)]

    assert len(set(texts)) == 500
    assert all(0 < len(text) <= 280 for text in texts)
