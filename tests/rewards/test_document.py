"""The page of rewards says what the table says."""

from scripts.rewards_doc import PAGE, PICTURE, tables


def test_the_page_is_what_the_table_says():
    assert PAGE.read_text(encoding="utf-8").endswith(tables()), "run `python -m scripts.rewards_doc`"
    assert PICTURE.is_file()
