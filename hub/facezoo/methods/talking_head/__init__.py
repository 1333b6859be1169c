"""talking_head: a head that speaks, from a few photos, by adversarial few-shot learning."""
