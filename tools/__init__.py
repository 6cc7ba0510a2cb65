"""Tools for working on the project: which requirements the tests prove. Not part of the package."""
