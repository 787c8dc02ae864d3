"""Rates and times of the real product, beside what bounds them. Printed, never asserted: machines differ."""
