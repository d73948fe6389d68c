from protos import memory
from web import create_app

app = create_app()
memory.settle()
