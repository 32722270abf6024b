"""How every form field is drawn: label, help and errors bound to the input."""

from django.forms.renderers import TemplatesSetting


class FormRenderer(TemplatesSetting):
    """Draws fields with this project's own template."""

    field_template_name = "components/field.html"
