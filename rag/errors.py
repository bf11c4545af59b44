"""The exception tree: every error a person may meet, each one sentence that says what to do.

    RagError                    anything citefold reports; exit code 1
    ├── UserError               the caller's mistake, fixed by other input; exit code 2
    │   ├── SettingsError       an unknown or out-of-range setting
    │   ├── CorpusError         no readable abstract where one was expected
    │   └── QuestionError       an empty or unusable question
    ├── LibraryIndexError       the index cannot be used as it is
    │   ├── IndexMissingError   there is no index at this place (exit code 2)
    │   ├── IndexMismatchError  it was built by other models or another version
    │   └── IndexBusyError      another process is writing it
    ├── ModelError              a model file is missing, wrong or cannot be fetched
    └── LLMError                the language model cannot answer
        ├── LLMUnreachableError the endpoint refuses or does not answer in time
        ├── LLMResponseError    the endpoint answered with an error or broke off
        └── LLMStoppedError     whoever asked has closed the reply

Errors are caught once in the command line and once in the page.
"""


class RagError(Exception):
    """Base of all errors citefold reports; `str(error)` is one sentence with the remedy."""

    exit_code = 1


class UserError(RagError):
    """A mistake of the caller that other input would fix."""

    exit_code = 2


class SettingsError(UserError):
    """An unknown setting or a value outside its range."""


class CorpusError(UserError):
    """No readable abstract where one was expected."""


class QuestionError(UserError):
    """An empty or unusable question."""


class LibraryIndexError(RagError):
    """The index cannot be used as it is."""


class IndexMissingError(LibraryIndexError):
    """There is no index at the given place."""

    exit_code = 2


class IndexMismatchError(LibraryIndexError):
    """The index was built by other models, settings or another version."""


class IndexBusyError(LibraryIndexError):
    """Another process is writing the index."""


class ModelError(RagError):
    """A model file is missing, wrong or cannot be fetched."""


class LLMError(RagError):
    """The language model cannot answer."""


class LLMUnreachableError(LLMError):
    """The endpoint refuses the connection or does not answer in time."""


class LLMResponseError(LLMError):
    """The endpoint answered with an error or broke off."""


class LLMStoppedError(LLMError):
    """The reply was closed by whoever asked, from another thread."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("The reply was stopped; ask again.")
