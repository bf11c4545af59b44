"""The Settings tab: models, when to answer, language, and what is prepared."""
