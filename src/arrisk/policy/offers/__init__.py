"""Offer sheets of insurers, factors and banks: read strictly, compared on one basis, costed by clause."""
