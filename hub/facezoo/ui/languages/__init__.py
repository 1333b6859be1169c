"""The page in other languages: one file of sentences for each, by what they are in English."""
