"""What the language model is told so that it turns a question about fields into a query; strings only."""

from __future__ import annotations

from rag.llm.base import Message

QUERY_SYSTEM = (
    "Turn a question to a library of papers into a query on their records, as JSON. Keys: show (papers, or fields of "
    "papers), about and not_about (topic), by and not_by (authors), any (one of the authors is enough), in (journal or "
    "conference), order (newest or oldest first), limit, per (who or what has the most papers), language, without "
    "(fields that are empty), one (a single paper is meant). Years are known and left out. Write {} if only the text of "
    "the papers can answer, because the question asks what was found, used, done or meant."
)
# Question, values in it that are certain, query.
QUERIES: tuple[tuple[str, str, str], ...] = (
    ("Who wrote the paper about glacier noise?", "", '{"show":["authors"],"about":"glacier noise","one":true}'),
    ("Why do glaciers crackle in summer?", "", "{}"),
    ("lindqvist on permafrost since 2018 but without Mehta pls", "names lindqvist, Mehta; years since 2018",
     '{"show":["papers"],"about":"permafrost","by":["lindqvist"],"not_by":["Mehta"]}'),
    ("高远近三年发表了哪些关于土壤盐渍化的论文？", "names 高远; years 2024-2026",
     '{"show":["papers"],"about":"土壤盐渍化","by":["高远"]}'),
    ("I'd like to know how many articles River Research printed in the 1980s.",
     "journals River Research; years 1980-1989", '{"show":["papers"],"in":"River Research"}'),
    ("SnowNet在高原数据上的误差是多少？", "", "{}"),
    ("mehta permafrost, all of it", "names mehta", '{"show":["papers"],"about":"permafrost","by":["mehta"]}'),
    ("2016年一共发了多少篇？", "years 2016", '{"show":["papers"]}'),
    ("tell me when that tea roasting thing by Costa came out", "names Costa",
     '{"show":["year"],"about":"tea roasting","by":["Costa"],"one":true}'),
    ("Food Letters, 2012 and later", "journals Food Letters; years since 2012", '{"show":["papers"],"in":"Food Letters"}'),
    ("DOI of the paper on river mussels", "", '{"show":["doi"],"about":"river mussels","one":true}'),
    ("Everything on moss, please, except what Lindqvist wrote.", "names Lindqvist",
     '{"show":["papers"],"about":"moss","not_by":["Lindqvist"]}'),
    ("高远的文章里有哪些不涉及盐渍化", "names 高远", '{"show":["papers"],"not_about":"盐渍化","by":["高远"]}'),
    ("wich journal and year, the snail memory study by Dr. Ana Costa", "names Ana Costa",
     '{"show":["venue","year"],"about":"snail memory","by":["Ana Costa"],"one":true}'),
    ("Who has published most on tea in Food Letters?", "journals Food Letters",
     '{"show":["papers"],"about":"tea","in":"Food Letters","per":"author"}'),
    ("赵晨老师是跟谁合写那篇讲茶叶的文章的，发在哪儿", "names 赵晨",
     '{"show":["authors","venue"],"about":"茶叶","by":["赵晨"],"one":true}'),
    ("Which methods do the studies compare for removing noise?", "", "{}"),
    ("the three newest things on sea ice", "numbers 3", '{"show":["papers"],"about":"sea ice","order":"newest","limit":3}'),
    ("除了茶叶，赵晨还写过什么", "names 赵晨", '{"show":["papers"],"not_about":"茶叶","by":["赵晨"]}'),
    ("Have Costa and Mehta ever published together, or was I misinformed?", "names Costa, Mehta",
     '{"show":["papers"],"by":["Costa","Mehta"]}'),
    ("does more salt lower the freezing point of sea water?", "", "{}"),
    ("anything in Chinese from Costa or Mehta", "names Costa, Mehta; languages zh",
     '{"show":["papers"],"by":["Costa","Mehta"],"any":true,"language":"zh"}'),
    ("哪一年的论文最多", "", '{"show":["papers"],"per":"year"}'),
    ("Which entries lack a DOI?", "", '{"show":["papers"],"without":["doi"]}'),
    ("Who paid for the glacier noise study?", "", '{"show":["other"],"about":"glacier noise","one":true}'),
    ("What does the Journal of Moss hold from before 2010, oldest first?",
     "journals Journal of Moss; years until 2009", '{"show":["papers"],"in":"Journal of Moss","order":"oldest"}'),
    ("哪种方法能降低茶叶中的农药残留？", "", "{}"),
    ("first ever moss paper + its authors", "", '{"show":["authors"],"about":"moss","order":"oldest","one":true}'),
    ("《河流研究》收了高远几篇", "names 高远; journals 河流研究", '{"show":["papers"],"by":["高远"],"in":"河流研究"}'),
    ("10.1234/abc.99 which one is that", "identifier", '{"show":["papers"],"one":true}'),
    ("So many papers! how many have you got in all?", "", '{"show":["papers"]}'),
)  # fmt: skip


def query_prefix() -> list[Message]:
    """Return the first messages of every chat that reads a question about fields."""
    messages = [Message("system", QUERY_SYSTEM)]
    for question, values, query in QUERIES:
        messages += [Message("user", query_turn(question, values)), Message("assistant", query)]
    return messages


def query_turn(question: str, values: str) -> str:
    """Return the request for the query of a question, with the values in it that are certain."""
    return f"Question: {question}\nValues: {values or 'none'}"
