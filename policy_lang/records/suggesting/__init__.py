"""From stops to rules: what was denied or asked, grouped, and the least rules that would let it pass."""
