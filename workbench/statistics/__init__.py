"""Figures with honest intervals, whatever they are figures of: of models on held-out frames, or of people's answers."""
