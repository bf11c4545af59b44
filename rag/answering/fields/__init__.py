"""Questions about what records say of themselves, answered from the catalogue without the language model."""
