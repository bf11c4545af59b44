import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.identifiers import normalise_arxiv, normalise_doi, normalise_pmid

DOI = "10.4321/leaf.7"


@pytest.mark.parametrize(
    "written",
    [
        *[
            "10.4321/leaf.7",
            "10.4321/LEAF.7",
            "doi:10.4321/leaf.7",
            "DOI: 10.4321/Leaf.7",
            "doi 10.4321/leaf.7",
        ],
        *[
            "https://doi.org/10.4321/leaf.7",
            "http://dx.doi.org/10.4321/leaf.7",
            "https://www.doi.org/10.4321/leaf.7",
        ],
        *[
            "https://doi.org/10.4321%2Fleaf.7",
            "https%3A%2F%2Fdoi.org%2F10.4321%2Fleaf.7",
            "10.4321%252Fleaf.7",
        ],
        *["10.4321/leaf.7 [doi]", "S0001 [pii] 10.4321/leaf.7 [doi]", "info:doi/10.4321/leaf.7"],
        *[
            "10.4321/leaf.7.",
            "(10.4321/leaf.7)",
            "<10.4321/leaf.7>",
            "10.4321/leaf.7; 10.4321/other",
            "10.4321/leaf.7/",
        ],
        *["https://doi-org.library.example.edu/10.4321/leaf.7?login=1", "https://doi.org/10.4321/leaf.7#s2"],
        *[
            "https://press.example.org/doi/full/10.4321/leaf.7",
            "https://press.example.org/doi/10.4321/leaf.7/pdf",
        ],
        *["１０．４３２１／leaf.7", "DOI：10.4321/leaf.7。", "10.4321/le\u200baf.7", "<a>10.4321/leaf.7</a>"],
    ],
)
def test_one_doi_in_its_written_forms(written: str) -> None:
    assert normalise_doi(written) == DOI


@pytest.mark.parametrize(
    ("written", "doi"),
    [
        (
            "10.4321/(SICI)1000(199806)4:8<63::AID-LE4>3.0.CO;2-O",
            "10.4321/(sici)1000(199806)4:8<63::aid-le4>3.0.co;2-o",
        ),
        ("(see 10.4321/a(b)c)", "10.4321/a(b)c"),
        ("https://doi.org/10.4321/full", "10.4321/full"),
        ("https://www.biorxiv.org/content/10.1101/2031.01.02.000003v2.full", "10.1101/2031.01.02.000003"),
        ("10.4321.9/a", "10.4321.9/a"),
    ],
)
def test_what_belongs_to_a_doi_stays(written: str, doi: str) -> None:
    assert normalise_doi(written) == doi


@pytest.mark.parametrize(
    "text", ["", "none", "10.4321", "10.4321/", "110.4321", "1.10.4321/x", "978-0-00-000000-2"]
)
def test_what_is_no_doi(text: str) -> None:
    assert normalise_doi(text) is None


@pytest.mark.parametrize(
    ("written", "arxiv"),
    [
        *[(f"{before}3101.00001{after}", "3101.00001") for before in ("", "arXiv:", "ArXiv ", "https://arxiv.org/abs/") for after in ("", "v2")],
        ("arXiv:3101.00001v1 [cs.CL]", "3101.00001"),
        ("http://export.arxiv.org/pdf/3101.00001v3.pdf", "3101.00001"),
        ("https://doi.org/10.48550/arXiv.3101.00001", "3101.00001"),
        ("oai:arXiv.org:3101.00001", "3101.00001"),
        ("hep-th/9999001v2", None),
        ("hep-th/9912001v2", "hep-th/9912001"),
        ("math.GT/0309999", "math/0309999"),
        ("https://arxiv.org/abs/cs.CL/0112999", "cs/0112999"),
    ],
)  # fmt: skip
def test_arxiv_ids(written: str, arxiv: str | None) -> None:
    assert normalise_arxiv(written) == arxiv


@pytest.mark.parametrize(
    "text", ["", "10.4321/3101.00001", "3113.00001", "we ran 3101.00001 steps", "arXiv", "3101.000010"]
)
def test_what_is_no_arxiv_id(text: str) -> None:
    assert normalise_arxiv(text) is None


@pytest.mark.parametrize(
    ("written", "pmid"),
    [
        *[(text, "90000017") for text in ("90000017", "PMID: 90000017", "PMID:90000017", "90000017.0")],
        *[(f"https://{place}/90000017/", "90000017") for place in ("pubmed.ncbi.nlm.nih.gov", "www.ncbi.nlm.nih.gov/pubmed")],
        *[(text, None) for text in ("", "0", "PMC90000017", "90000017 people", "9000001790000017")],
    ],
)  # fmt: skip
def test_pubmed_ids(written: str, pmid: str | None) -> None:
    assert normalise_pmid(written) == pmid


PIECES = st.sampled_from(
    [
        "10.",
        "4321",
        "/",
        "%2F",
        "%",
        "&lt;",
        "<",
        ">",
        "(",
        ")",
        ".",
        "v2",
        "arXiv:",
        "3101.00001",
        "a",
        " ",
        "http://",
        "\u200b",
        "doi",
    ]
)


@given(st.text() | st.lists(PIECES).map("".join))
def test_a_normalised_identifier_stays_as_it_is(text: str) -> None:
    for normalise in (normalise_doi, normalise_arxiv, normalise_pmid):
        if (found := normalise(text)) is not None:
            assert normalise(found) == found
