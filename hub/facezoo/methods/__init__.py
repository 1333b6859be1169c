"""One folder a method; the folder's name is the method's id. See CONTRIBUTING.md, "Add a method".

`<id>/__init__.py` holds SPEC and imports nothing heavy, `<id>/model.py` the networks, `<id>/pipeline.py` one
`FacePipeline` with one `__call__`. Methods never import each other: delete a folder and nothing else changes.
"""
