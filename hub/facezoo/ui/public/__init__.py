"""The hub in public: rates, probes, figures, a log without pictures or names, and a stop that loses nobody's work."""
