import points


def test_the_named_points_are_those_of_the_code_and_each_name_is_used_once():
    assert sorted(points.in_source()) == sorted(points.ALL)
