"""Building the embedded base models from rendered scenes: tokenizer, architecture, training and model card."""
