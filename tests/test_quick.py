"""What is worked out once is what would be worked out each time."""

from docutils import nodes
from pybtex.database import Entry, Person

from sphinxext import quick
from sphinxext.citations import style

TREE = nodes.section("", nodes.title("", "One"), nodes.paragraph("", "", nodes.Text("a"), nodes.emphasis("", "b"), nodes.Text("c")),
                     nodes.bullet_list("", nodes.list_item("", nodes.paragraph("", "d")), nodes.list_item()), nodes.comment())


def same(**how):
    expected = list(quick._findall(TREE, **how))
    assert [id(n) for n in quick.findall(TREE, **how)] == [id(n) for n in expected]
    return expected


def test_a_tree_is_searched_in_the_same_order():
    assert len(same()) == 14
    assert len(same(condition=nodes.paragraph)) == 2
    assert len(same(condition=lambda n: isinstance(n, nodes.Text) and n in "bd")) == 2
    assert len(same(condition=nodes.Text, include_self=False)) == 5


def test_a_tree_that_changes_while_it_is_searched_gives_the_same():
    def run(find):
        tree, seen = TREE.deepcopy(), []
        for node in find(tree, nodes.TextElement):
            seen.append(node.astext())
            if isinstance(node, nodes.emphasis):
                node.replace_self([nodes.strong("", "x"), nodes.strong("", "y")])
            if node.astext() == "d":
                node.children.append(nodes.inline("", "e"))
        return seen, tree.pformat()
    assert run(quick.findall) == run(quick._findall)


def test_an_entry_of_the_same_key_that_changed_is_formatted_again():
    entry = Entry("misc", {"title": "Old", "year": "2001"}, {"author": [Person("Doe, Jane")]})
    entry.key = "doe2001"
    text = lambda: str(next(style().format_entries([entry])).text)  # noqa: E731
    first = text()
    assert "Old" in first and text() == first
    changed = Entry("misc", {"title": "New", "year": "2001"}, {"author": [Person("Doe, Jane")]})
    changed.key = "doe2001"
    assert "New" in str(next(style().format_entries([changed])).text)
