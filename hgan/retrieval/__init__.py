"""The retriever, and what it answers: results, explanations, comparisons, what if, errors."""
